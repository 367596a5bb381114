"""The tunable numbers of a candidate: the SLOT_PARAMs of its sources, and of the default where a slot has none."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Number, Slot
from slotforge.solvers.sat.source import Parameter, params, with_params

WIDE = 10.0  # a range that ends at so many times where it begins is searched by ratios


def numbers(candidate: Candidate, slots: Mapping[str, Slot]) -> Mapping[str, Number]:
    """Read the numbers of all slots, as "slot.name"."""
    return {
        f"{name}.{param.name}": Number(value=param.value, low=param.low, high=param.high, log=_wide(param))
        for name, slot in slots.items()
        for param in params(candidate.slots.get(name, slot.default))
    }


def with_numbers(candidate: Candidate, values: Mapping[str, float], slots: Mapping[str, Slot]) -> Candidate:
    """Write numbers into the sources, within their ranges; a source in which none changes stays as it is.

    Raises:
        UsageError: there is no such number.
    """
    known = numbers(candidate, slots)
    if unknown := sorted(values.keys() - known.keys()):
        raise UsageError(f"the candidate has no number {unknown[0]!r}: choose from {', '.join(known)}")
    changed: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        old = known[name]
        if min(max(value, old.low), old.high) != old.value:
            slot, _, param = name.partition(".")
            changed.setdefault(slot, {})[param] = value
    sources = {slot: candidate.slots.get(slot, slots[slot].default) for slot in changed}
    return candidate.with_slots({slot: with_params(source, changed[slot]) for slot, source in sources.items()})


def _wide(param: Parameter) -> bool:
    return param.low > 0 and param.high >= WIDE * param.low
