"""A case: a family with its knobs set; and what is frozen about it: the best specialist, its calls, goal and budget.

The figures stand in `targets.json`, which `python -m slotforge.solvers.optim.freeze` makes from 16 seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.types import Record
from slotforge.solvers.optim.problems._family import Family, Knobs

PROBLEMS = "slotforge.solvers.optim.problems"
TARGETS = Path(__file__).with_name("targets.json")
PATIENCE = 8  # a run is cut at so many times the specialist's calls


class Frozen(Record):
    """What is known of a case.

    specialists: built-in rules that hold the record, best first; the others are those that theory names.
    calls: oracle calls of the best one to the goal, the median over problems; None where none reached it.
    reached, medians: on how many of the problems each contender reached the goal, and its median of calls.
    """

    specialists: tuple[str, ...]
    goal: float
    budget: float
    calls: float | None = None
    reached: Mapping[str, int] = {}
    medians: Mapping[str, float] = {}
    problems: int = 0


def family(name: str) -> Family:
    """Import a family; raises UsageError with the known names."""
    found: Family = registry.load(PROBLEMS, name).family
    return found


def key(knobs: Knobs) -> str:
    """Write settings of knobs as in a spec."""
    return ",".join(f"{name}={value:g}" for name, value in sorted(knobs.items()))


def parse(spec: str) -> tuple[Family, dict[str, float]]:
    """Read "family" or "family:knob=value:knob=value".

    Raises:
        UsageError: there is no such family or knob, or the value is no number, or none that the knob can have.
    """
    name, *settings = spec.split(":")
    found = family(name)
    knobs: dict[str, float] = {}
    for setting in settings:
        knob, equals, value = setting.partition("=")
        if knob not in found.knobs or not equals:
            known = ", ".join(f"{one}={default:g}" for one, default in found.knobs.items())
            raise UsageError(f"{spec}: '{setting}' is no setting of {name}: it has {known}")
        try:
            knobs[knob] = float(value)
        except ValueError:
            knobs[knob] = math.nan
        if not math.isfinite(knobs[knob]):
            raise UsageError(f"{spec}: '{value}' is no number")
    check(found, knobs, spec)
    return found, knobs


def check(found: Family, knobs: Knobs, spec: str) -> None:
    """Raise UsageError where there is no problem with these settings of knobs."""
    if fault := found.misfit(knobs):
        raise UsageError(f"{spec}: {fault}")


def frozen(found: Family, knobs: Knobs) -> Frozen:
    """Look a case up, or take what the family itself says where nothing is frozen."""
    known = _table().get(found.name, {}).get(key({**found.knobs, **knobs}))
    return known or Frozen(specialists=found.specialists, goal=found.goal, budget=found.budget)


@cache
def _table() -> Mapping[str, Mapping[str, Frozen]]:
    if not TARGETS.exists():
        return {}
    told = json.loads(TARGETS.read_text(encoding="utf-8"))
    return {
        name: {case: Frozen.model_validate(facts) for case, facts in cases.items()}
        for name, cases in told["cases"].items()
    }
