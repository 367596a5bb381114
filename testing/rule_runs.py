"""Runs of built-in rules on a family, by seeds and numbers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from slotforge.solvers.optim import builtin, rule
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.runs import Runs, across_seeds
from slotforge.solvers.optim.simulate import Program


def runs(
    family: Family, data: Data, ref: str, seeds: int, budget: float, hps: Sequence[Mapping[str, float]] = ({},)
) -> Runs:
    """Run rules with each set of numbers and each seed.

    Args:
        ref: as in `builtin.named`.
        hps: by "slot.name"; what is not named has its default.
    """
    parts = {slot: rule.load(source, slot) for slot, source in builtin.named(ref).items()}
    program = Program(family=family, rule=Composite(parts=parts))
    program.inspect(data)
    defaults = {name: number.default for name, number in program.rule.numbers.items()}
    assert all(set(hp) <= set(defaults) for hp in hps)
    trials = [{**defaults, **hp} for hp in hps]
    return program.run(data, trials, range(seeds), budget=budget, enough=lambda _: False)


def calls(family: Family, found: Runs) -> np.ndarray:
    """Return the calls to the goal for each set of numbers, in the share of the seeds that the family counts."""
    return np.asarray(across_seeds(found.hits(family.goal, family.floor), family.quantile)[-1])
