"""From the sources of a candidate to what the plug-ins run."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.errors import BuildError, UsageError
from slotforge.solvers.optim.builtin import STEP_SLOTS, default
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.rule import load


def parts(slots: Mapping[str, str]) -> dict[str, str]:
    """Leave out what has no effect outside a network of nodes, check the rest, and add the default step.

    So these are the parts that a measurement of the candidate runs: see `builtin.cast`.

    Args:
        slots: slot name to source.

    Raises:
        UsageError: there is nothing that an optimizer could do.
        BuildError: a source holds more than a rule may hold.
    """
    if "selection" in slots:
        raise UsageError("selection chooses among the offspring of a black box: there is no optimizer to make of it")
    found = {slot: slots[slot] for slot in STEP_SLOTS if slot in slots and slot != "sampling"}
    if not found:
        raise UsageError("no rule of a step among the slots: give one of step, transform, precondition, schedule ...")
    checked(found)
    return {"step": default("step"), **found}


def checked(slots: Mapping[str, str]) -> None:
    """Raise BuildError where a source holds more than a rule may hold."""
    for slot, source in slots.items():
        if fault := check(slot, source):
            raise BuildError(f"slot {slot}: {fault}")


def composite(slots: Mapping[str, str], found: Mapping[str, float] | None = None) -> tuple[Composite, dict[str, float]]:
    """Make the rule that runs, and the defaults of its numbers by "slot.name"; raises as `parts`.

    Args:
        slots: slot name to source.
        found: numbers that take the place of those which the rules declare; others are left alone.
    """
    rule = Composite(parts={slot: load(source, slot) for slot, source in parts(slots).items()})
    declared = {name: number.default for name, number in rule.numbers.items()}
    return rule, declared | {name: value for name, value in (found or {}).items() if name in declared}
