"""Judges calls of array functions: what they take, what comes out, and how much memory it needs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from slotforge.solvers.optim import words
from slotforge.solvers.optim.walk import entries
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import (
    NUMBER,
    SIZE,
    Array,
    Group,
    Int,
    Kind,
    Listing,
    Many,
    Nothing,
    Real,
    Truth,
    Type,
    items_of,
    product,
)

LARGEST = SIZE * 256  # entries of an array that a rule makes, where p has SIZE


def called(node: ast.Call, name: str, call: words.Call, given: Sequence[Kind], keywords: Mapping[str, Kind]) -> Kind:
    """Return what a call of an array function gives; raise Fault where it may not be called like this."""
    _form(node, name, call, given, keywords)
    arrays = [kind for kind in given if isinstance(kind, Array)]
    size = max((kind.size for kind in arrays), default=1.0)
    scalar = bool(arrays) and all(kind.scalar for kind in arrays)
    match call.result:
        case "same":
            return entries.of_call(node, name, given, Array(scalar, size=size))
        case "mask":
            return Array(scalar, mask=True, size=size)
        case "reduced" | "index":
            whole = "axis" not in keywords and "keepdims" not in keywords
            if name in ("any", "all"):
                return Array(whole, mask=True, size=size)
            found = entries.of_call(node, name, given, Array(whole, size=size))
            return replace(found, index=found.index or call.result == "index")
        case "where":
            return _where(node, given, size)
        case "made":
            return Array(given[0] == Group(()), size=_made(node, name, given, keywords))
        case "list":
            return entries.of_list(items_of(given[0]), Array(size=_listed(node, name, given[0])))
        case "joined":
            return entries.of_call(node, name, given, Array(size=fits(node, max(size, product(given[1])))))
        case "arrays":
            entries.only_numbers(node, given)
            return Group((Array(size=size),) * words.PARTS[name])
    return entries.of_call(node, name, given, Array(size=size))


def fits(node: ast.AST, size: float) -> float:
    """Return a size, unless an array of it would fill the memory."""
    if size > LARGEST:
        raise Fault(node, f"this array may grow too large: {short(node)}; make it as large as p, or smaller")
    return size


def _form(node: ast.Call, name: str, call: words.Call, given: Sequence[Kind], keywords: Mapping[str, Kind]) -> None:
    if not call.least <= len(given) <= call.most:
        number = str(call.least) if call.least == call.most else f"{call.least} to {call.most}"
        rest = f" and {', '.join(f'{word}=' for word in call.keywords)}" if call.keywords else ""
        raise Fault(node, f"{name} takes {number} arguments by place{rest}: {short(node)}")
    for word, kind in keywords.items():
        if word not in call.keywords:
            raise Fault(node, f"{name} may not be given {word}=: {short(node)}")
        if isinstance(kind, Type) != (word == "dtype"):
            raise Fault(node, f"{word}= is not right: {short(node)}; a type is written dtype=p.dtype")
        if not isinstance(kind, (Type, Int, Real, Truth, Nothing, Group, Many)):
            raise Fault(node, f"{word}= must be known before the run: {short(node)}")
    if call.result in ("same", "mask", "where") and call.arrays == 1 and call.least == 2:
        if not any(isinstance(kind, Array) for kind in given):
            raise Fault(node, f"{name} needs an array: of plain numbers torch makes none: {short(node)}")
    elif any(not isinstance(kind, Array) for kind in given[: call.arrays]):
        plain = isinstance(given[0], (Int, Real))
        instead = f"; of plain numbers write 2.0 ** 0.5, or {name} of a number in HP" if plain else ""
        raise Fault(node, f"{name} needs an array: torch fails otherwise: {short(node)}{instead}")
    if call.result in ("same", "mask", "where") and any(not isinstance(kind, (*NUMBER, Group)) for kind in given):
        raise Fault(node, f"{name} is of arrays and numbers: {short(node)}")


def _where(node: ast.Call, given: Sequence[Kind], size: float) -> Kind:
    test, *sides = given
    if not isinstance(test, Array) or not test.mask:
        raise Fault(node, f"xp.where needs a comparison first: {short(node)}")
    arrays = [kind for kind in sides if isinstance(kind, Array)]
    if not arrays:
        raise Fault(node, "xp.where of two plain numbers makes float64: write one as xp.ones_like(x)")
    return entries.of_choice(node, sides, Array(all(kind.scalar for kind in (test, *arrays)), size=size))


def _made(node: ast.Call, name: str, given: Sequence[Kind], keywords: Mapping[str, Kind]) -> float:
    if "dtype" not in keywords:
        raise Fault(node, f"xp.{name} makes float64 whatever p is: write xp.zeros_like(p), or dtype=p.dtype")
    shape = given[0]
    if name in ("zeros", "ones", "full") and not _is_shape(shape):
        raise Fault(node, f"xp.{name} needs a shape of whole numbers: {short(node)}")
    if name in ("zeros", "ones", "full"):
        return fits(node, product(shape))
    if name == "asarray":
        if not isinstance(shape, NUMBER) and not isinstance(shape, (Group, Listing)):
            raise Fault(node, f"xp.asarray takes numbers: {short(node)}")
        return fits(node, len(items_of(shape)) or 1.0)
    if any(not isinstance(kind, Int) for kind in (given[2:] if name == "linspace" else given)):
        raise Fault(node, f"xp.{name} needs lengths that hang on shapes alone: {short(node)}")
    lengths = [kind.bound for kind in given if isinstance(kind, Int)]
    if name == "eye":
        return fits(node, lengths[0] * lengths[-1])
    return fits(node, max(lengths) if name == "linspace" else sum(lengths))


def _is_shape(kind: Kind) -> bool:
    return isinstance(kind, Int) or (
        isinstance(kind, (Many, Group, Listing)) and all(isinstance(item, Int) for item in items_of(kind))
    )


def _listed(node: ast.Call, name: str, given: Kind) -> float:
    items = items_of(given) if isinstance(given, (Group, Listing, Many)) else []
    sizes = [item.size for item in items if isinstance(item, Array)]
    if not sizes or len(sizes) < len(items):
        raise Fault(node, f"xp.{name} takes a list of arrays: {short(node)}")
    return fits(node, sum(sizes))
