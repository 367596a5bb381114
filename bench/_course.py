"""Runs of built-in rules on one problem, with numbers that are given or spread, in this process."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.runs import across_seeds
from slotforge.solvers.optim.tune import FIRST, spread

Numbers = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Course:
    """How runs went: trials by seeds.

    metric, calls: at every look, shape (looks, trials, seeds).
    step_calls, step_rounds, bits: of one step, beside the metric; calls of one round can be made at once.
    step_s: CPU seconds of one step of one run, without compiling.
    """

    metric: np.ndarray
    calls: np.ndarray
    step_calls: float
    step_rounds: float
    bits: float
    step_s: float

    def to(self, goal: float) -> float:
        """Return the calls to a metric, the median over seeds of the best trial; infinite where it was missed."""
        hits = np.where(self.metric <= goal, self.calls, np.inf).min(axis=0)
        return float(across_seeds(hits[None], 0.5).min())

    def rounds(self, goal: float) -> float:
        """Return the rounds of calls, one after the other, to a metric, as `to` returns the calls."""
        return self.to(goal) / self.step_calls * self.step_rounds

    def end(self, quantile: float = 0.5) -> float:
        """Return the last metric of the best trial, at a quantile of its seeds; the mean of the last tenth of looks."""
        last = self.metric[-max(1, len(self.metric) // 10) :].mean(axis=0)
        at = max(0, math.ceil(quantile * last.shape[1]) - 1)
        return float(np.sort(last, axis=1)[:, at].min())


def race(
    spec: str,
    rule: str,
    steps: int,
    *,
    hps: Sequence[Numbers] | None = None,
    trials: int = FIRST,
    seeds: int = 1,
    stop: float | None = None,
) -> Course:
    """Run a rule.

    Args:
        spec: family with knobs, as on the command line.
        rule: as `builtin.named` takes it.
        steps: of each run.
        hps: numbers of each trial; what is not given has its default; None spreads `trials`.
        seeds: runs of each trial.
        stop: end as soon as half of the seeds of some trial have this metric, and no other can with fewer calls.
    """
    import jax

    from slotforge.solvers.optim.answer import composite
    from slotforge.solvers.optim.simulate import Program

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    family, data = _problem(spec)
    program = Program(family=family, rule=composite(tuple(sorted(builtin.named(rule).items()))))
    program.inspect(data)
    defaults = {name: number.default for name, number in program.rule.numbers.items()}
    lot = spread(program.rule.numbers, trials) if hps is None else [defaults | _full(one) for one in hps]
    price = 1 + program.spent.calls
    began = time.process_time()
    runs = program.run(
        data,
        lot,
        list(range(seeds)),
        budget=steps * price,
        enough=lambda runs: stop is not None and runs.settled(stop, 0.5),
    )
    looks = max(1, round(steps / family.stride))
    spent = time.process_time() - began - program.compile_s
    return Course(
        metric=runs.metric[:looks],
        calls=runs.calls[:looks],
        step_calls=price,
        step_rounds=1 + program.spent.rounds,
        bits=program.spent.bits,
        step_s=spent / (len(runs.metric) * family.stride * len(lot) * seeds),
    )


@cache
def _problem(spec: str) -> tuple[Any, Any]:
    family, knobs = case.parse(spec)
    return family, family.draw({**family.knobs, **knobs}, generator("claims", spec))


def _full(numbers: Numbers) -> dict[str, float]:
    return {name if "." in name else f"step.{name}": value for name, value in numbers.items()}
