"""Search without a model: new rules by varying and recombining the expressions of the parents, with a grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError, UsageError
from slotforge.core.registry import load, names
from slotforge.core.types import Request, Slot
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.key import key
from slotforge.solvers.optim.vary.draft import Draft, read, size
from slotforge.solvers.optim.vary.layout import write
from slotforge.solvers.optim.walk.faults import Fault

if TYPE_CHECKING:
    from numpy.random import Generator

OPERATORS = "slotforge.solvers.optim.vary.operators"
WEIGHTS = {"wrap": 8.0, "memory": 3.0, "numbers": 2.0}  # one that is not named here has weight 1

_TRIES = 60
_AGAIN = 0.4  # chance of one more change in the same variation
_MOST = 3  # changes in one variation
_LARGEST = 400  # nodes of the functions, or _ROOM more than the parent has
_ROOM = 60
_LONGEST = 6000  # characters
_REMEMBERED = 5  # changes that the docstring tells
_PREFIX = "Variation of "


def vary(request: Request, slots: Mapping[str, Slot], rng: Generator) -> Mapping[str, str]:
    """Write the requested slots anew.

    Args:
        request: its parents are varied, the first above all; a parent without a slot has the default there. Operator
            "fresh" starts from the default, "crossover" recombines the first parent with the others.
        slots: of the domain; of their variants only the default is used.

    Returns:
        Slot name to source: laid out, allowed by the static check, different from the parents, with a docstring that
        says what was done.

    Raises:
        UsageError: a slot is not known.
        BuildError: no operator could change the rule.
    """
    if unknown := set(request.slots) - slots.keys():
        raise UsageError(f"no slot called '{sorted(unknown)[0]}': choose among {', '.join(slots)}")
    return {name: _vary_slot(request, slots[name], rng) for name in request.slots}


def _vary_slot(request: Request, slot: Slot, rng: Generator) -> str:
    given = [parent.slots.get(slot.name, slot.default) for parent in request.parents]
    parents = [source for source in given if check(slot.name, source) is None]
    host = slot.default if request.operator == "fresh" or not parents else parents[0]
    refused = {key(source) for source in [host, *parents]}
    shares = _shares(recombine=request.operator == "crossover" and len(parents) > 1)
    for _ in range(_TRIES):
        source = _apply(slot.name, host, [other for other in parents if other != host], shares, rng)
        if source and len(source) <= _LONGEST and check(slot.name, source) is None and key(source) not in refused:
            return source
    raise BuildError(f"{slot.name}: no variation of this rule was found: write it with fewer branches")


def _shares(*, recombine: bool) -> Mapping[str, float]:
    weights = {name: WEIGHTS.get(name, 1.0) for name in names(OPERATORS)}
    weights["crossover"] *= 30 if recombine else 1
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def _apply(slot: str, source: str, others: Sequence[str], shares: Mapping[str, float], rng: Generator) -> str | None:
    """Make some changes, one after the other; None when one led to no rule."""
    count = 1
    while count < _MOST and rng.random() < _AGAIN:
        count += 1
    done = 0
    largest = max(_LARGEST, sum(map(size, read(slot, source).functions.values())) + _ROOM)
    for _ in range(4 * count):
        operator = str(rng.choice(list(shares), p=list(shares.values())))
        try:
            draft = read(slot, source)
            told: str | None = load(OPERATORS, operator).vary(draft, [read(slot, other) for other in others], rng)
            if told is None:
                continue
            draft.words = _said(draft, told)
            new = write(draft)
            if sum(map(size, draft.functions.values())) > largest or check(slot, new) is not None:
                continue
        except (Fault, BuildError, RecursionError):
            continue
        source, done = new, done + 1
        if done == count:
            return source
    return None


def _said(draft: Draft, told: str) -> str:
    """Add a change to what the docstring of an earlier variation tells."""
    paragraph = " ".join(draft.words.partition("\n\n")[0].split())
    if paragraph.startswith(_PREFIX):
        name, _, rest = paragraph.removeprefix(_PREFIX).partition(": ")
        history = rest.removesuffix(".").split("; ")
    else:
        name, history = paragraph.partition(": ")[0].rstrip(".")[:60], []
    return f"{_PREFIX}{name}: {'; '.join([*history, told][-_REMEMBERED:])}."
