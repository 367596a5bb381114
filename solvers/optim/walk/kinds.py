"""What a value of a rule is, as far as the text tells: an array or something that is known before any number is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

LENGTH = 256.0  # nominal, of an axis of p
AXES = 8  # more than any p has
SIZE = LENGTH * LENGTH  # nominal, of p


@dataclass(frozen=True)
class Array:
    """An array.

    scalar: without axes; mask: of truth values; index: of places; size: entries at most, where p has SIZE.
    """

    scalar: bool = False
    mask: bool = False
    index: bool = False
    size: float = SIZE


@dataclass(frozen=True)
class Int:
    """A whole number that is known before any array is, such as a length: at most `bound`, or exactly known.

    mixed: made of a size and of a number that the rule names.
    """

    bound: float
    exact: int | None = None
    mixed: bool = False


@dataclass(frozen=True)
class Real:
    """A plain number; mixed: made of a size and of a number that the rule names."""

    mixed: bool = False


@dataclass(frozen=True)
class Truth:
    """A truth value that hangs on shapes alone."""


@dataclass(frozen=True)
class Nothing:
    """None or ..., among indices and axes."""


@dataclass(frozen=True)
class Type:
    """The type of an array's entries."""


@dataclass(frozen=True)
class Text:
    """A key of a dict."""

    value: str


@dataclass(frozen=True)
class Many:
    """A tuple of unknown length, such as a shape: at most `length` items, whose product is `size` for a shape."""

    item: Kind
    length: float = AXES
    size: float = SIZE


@dataclass(frozen=True)
class Group:
    """A tuple with known items."""

    items: tuple[Kind, ...]


@dataclass
class Listing:
    """A list, which may grow."""

    items: list[Kind] = field(default_factory=list)


@dataclass
class Table:
    """A dict with known keys."""

    items: dict[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True)
class Space:
    """xp, xp.linalg, aux or hp."""

    name: str


@dataclass(frozen=True)
class Question:
    """A question of aux that is handed on."""

    name: str


Kind: TypeAlias = Array | Int | Real | Truth | Nothing | Type | Text | Many | Group | Listing | Table | Space | Question
STATIC = (Int, Real, Truth)
NUMBER = (Array, Int, Real)


def join(a: Kind, b: Kind) -> Kind | None:
    """Return what a value is that may be one or the other; None where that has no name."""
    if a == b:
        return a
    match a, b:
        case Array(), Array():
            mask, mixed = a.mask and b.mask, a.index or b.index or a.mask != b.mask
            return Array(a.scalar and b.scalar, mask, mixed, max(a.size, b.size))
        case (Array(), Int() | Real()) | (Int() | Real(), Array()):
            return a if isinstance(a, Array) else b
        case Int(), Int():
            named = any(kind.exact is not None and kind.bound > AXES for kind in (a, b))
            return Int(max(a.bound, b.bound), mixed=named or a.mixed or b.mixed)
        case (Int() | Real() | Truth(), Int() | Real() | Truth()):
            return Real(any(not isinstance(kind, Truth) and kind.mixed for kind in (a, b)))
        case (Many() | Group() | Listing(), Many() | Group() | Listing()):
            return _join_sequences(a, b)
        case (Many() | Group() | Int(), Nothing()) | (Nothing(), Many() | Group() | Int()):
            return b if isinstance(a, Nothing) else a
        case Table(), Table():
            items = dict(a.items)
            for key, value in b.items.items():
                joined = join(items[key], value) if key in items else value
                if joined is None:
                    return None
                items[key] = joined
            return Table(items)
    return None


def _join_sequences(a: Many | Group | Listing, b: Many | Group | Listing) -> Kind | None:
    if type(a) is type(b) and not isinstance(a, Many) and not isinstance(b, Many) and len(a.items) == len(b.items):
        items = [join(one, other) for one, other in zip(a.items, b.items, strict=True)]
        known = [item for item in items if item is not None]
        if len(known) < len(items):
            return None
        return Group(tuple(known)) if isinstance(a, Group) else Listing(known)
    return many([*items_of(a), *items_of(b)], max(product(a), product(b)))


def many(items: list[Kind], size: float) -> Kind | None:
    """Return a tuple of unknown length with items like these."""
    item: Kind | None = items[0] if items else Nothing()
    for other in items[1:]:
        item = item and join(item, other)
    return Many(item, max(AXES, len(items)), size) if item is not None else None


def items_of(sequence: Kind) -> list[Kind]:
    """Return what a loop goes through; of a tuple of unknown length, AXES items."""
    match sequence:
        case Group() | Listing():
            return list(sequence.items)
        case Many():
            return [sequence.item] * min(AXES, int(sequence.length))
        case Table():
            return [Text(key) for key in sequence.items]
    return []


def product(shape: Kind) -> float:
    """Return the entries of an array of a shape, at most."""
    match shape:
        case Int():
            return shape.bound
        case Many():
            return shape.size
        case Group() | Listing():
            return math.prod((product(item) for item in shape.items), start=1.0)
    return 1.0
