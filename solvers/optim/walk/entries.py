"""What the entries of an array are: numbers of p's type, whole numbers or truth values, and what comes of mixing them.

Beside a plain number torch makes float32 of a truth value or a whole number, whatever p is, and some functions it has
for neither; NumPy makes float64. So what is not alike everywhere is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from slotforge.solvers.optim import words
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import Array, Kind, Real

TRUTH = "a comparison is no number: write xp.where(a > b, xp.ones_like(a), 0.0)"
WHOLE = "counts and places are whole numbers, of which torch makes float32 here: write count * xp.ones_like(t)"


def same(a: Array, b: Array) -> bool:
    """Whether the entries of two arrays are of one sort."""
    return (a.mask, a.index) == (b.mask, b.index)


def numbers(kind: Kind) -> bool:
    """Whether it is an array of numbers of p's type."""
    return isinstance(kind, Array) and not (kind.mask or kind.index)


def only_numbers(node: ast.AST, given: Sequence[Kind]) -> None:
    """Raise Fault unless arrays are of numbers of p's type."""
    for kind in given:
        if isinstance(kind, Array) and not numbers(kind):
            raise Fault(node, f"{TRUTH if kind.mask else WHOLE}: {short(node)}")


def mixed(node: ast.AST, given: Sequence[Kind], result: Array) -> Array:
    """Return what comes of whole numbers that are mixed with others; raise Fault where the libraries' types part.

    Args:
        result: with the shape of what comes.
    """
    if any(map(numbers, given)):
        return result
    if any(isinstance(kind, Real) for kind in given):
        raise Fault(node, f"{WHOLE}: {short(node)}")
    return replace(result, index=any(isinstance(kind, Array) for kind in given))


def of_operator(node: ast.BinOp, left: Kind, right: Kind, result: Array) -> Array:
    """Return what comes of arithmetic of an array with an array or a number."""
    arrays = [kind for kind in (left, right) if isinstance(kind, Array)]
    if any(kind.mask for kind in arrays):
        chosen = isinstance(node.op, (ast.Mult, ast.Add)) and len(arrays) > 1 and not all(kind.mask for kind in arrays)
        if not chosen:
            raise Fault(node, f"{TRUTH}: {short(node)}")
    if isinstance(node.op, (ast.Div, ast.Pow)) and not any(map(numbers, arrays)):
        raise Fault(node, f"{WHOLE}: {short(node)}")
    return mixed(node, (left, right), result)


def of_call(node: ast.Call, name: str, given: Sequence[Kind], result: Array) -> Array:
    """Return what comes of a function that gives arrays of what it takes."""
    first = next(kind for kind in given if isinstance(kind, Array))
    if name in words.KEEPING:
        return replace(result, mask=first.mask, index=first.index)
    if name in words.COUNTING and not numbers(first):
        return replace(result, index=True)
    if name in words.OF_WHOLES and not any(isinstance(kind, Array) and kind.mask for kind in given):
        return mixed(node, given, result)
    only_numbers(node, given)
    return result


def of_choice(node: ast.Call, sides: Sequence[Kind], result: Array) -> Array:
    """Return what comes of choosing between arrays, or an array and a number."""
    arrays = [kind for kind in sides if isinstance(kind, Array)]
    if all(kind.mask for kind in arrays):
        if len(arrays) < len(sides):
            raise Fault(node, f"{TRUTH}: {short(node)}")
        return replace(result, mask=True)
    return mixed(node, sides, result)


def of_list(given: Sequence[Kind], result: Array) -> Array:
    """Return what comes of putting arrays together."""
    arrays = [kind for kind in given if isinstance(kind, Array)]
    if any(map(numbers, arrays)):
        return result
    return replace(result, mask=all(kind.mask for kind in arrays), index=not all(kind.mask for kind in arrays))
