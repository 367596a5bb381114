"""Runs of a rule in NumPy, one after the other: the reference, and the host of oracles that are not JAX.

Everything is double precision, and nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.lanes import Host, NeedsWhole, Stepper
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.runs import Runs

Array = Any
STEP = 1e-5  # of the difference quotients that stand for derivatives of the gradient


def _differentiate(function: Callable[[Array], Array], x: Array, v: Array) -> Array:
    return (function(x + STEP * v) - function(x)) / STEP


def _jacobian(function: Callable[[Array], Array], x: Array) -> Array:
    units = np.reshape(np.eye(x.size), (x.size, *x.shape))
    return np.stack([np.ravel(_differentiate(function, x, unit)) for unit in units], axis=1)


NUMPY = Host(
    xp=np,
    differentiate=_differentiate,
    jacobian=_jacobian,
    each=lambda function, xs: np.stack([function(x) for x in xs]),
)


@dataclass(kw_only=True)
class Loop:
    """A rule on the problems of a family, in NumPy; offers what `simulate.Program` does."""

    family: Family
    rule: Composite
    lanes: int = 1
    compile_s: float = 0.0
    spent: Spent = field(default_factory=Spent)
    _whole: bool = False

    def inspect(self, data: Data, seed: int = 0) -> None:
        """Carry out one step, and learn what the rule asks and costs; raises what the rule raises."""
        hp = {name: number.default for name, number in self.rule.numbers.items()}
        for self._whole in (False, True):
            self.spent = Spent()
            with suppress(NeedsWhole):
                next(self._steps(data, hp, seed, 1, self.spent))
                return

    def run(
        self,
        data: Data,
        hps: Sequence[Mapping[str, float]],
        seeds: Sequence[int],
        *,
        budget: float,
        enough: Callable[[Runs], bool],
    ) -> Runs:
        """Run every trial with every seed; see `simulate.Program.run`."""
        first = np.array([float(self.family.metric(data, self._start(data, seed))) for seed in seeds])
        most = max(1, int(budget / float(self.family.charge({}))))
        looks = -(-most // self.family.stride)
        metric = np.full((looks, len(hps), len(seeds)), np.inf)
        calls = np.full((looks, len(hps), len(seeds)), budget)
        for trial, hp in enumerate(hps):
            for place, seed in enumerate(seeds):
                spent = 0.0
                for t, (p, charge) in enumerate(self._steps(data, hp, seed, most, Spent()), 1):
                    spent += charge * (1 + self.spent.calls)
                    if not all(np.isfinite(leaf).all() for leaf in self._arrays(p)) or spent > budget:
                        break
                    if t % self.family.stride == 0 or t == most:
                        look = (t - 1) // self.family.stride
                        metric[look, trial, place] = float(self.family.metric(data, p))
                        calls[look, trial, place] = spent
                        if enough(Runs(metric=metric[:, trial : trial + 1], calls=calls, first=first)):
                            break
            if enough(Runs(metric=metric, calls=calls, first=first)):
                break
        return Runs(metric=metric, calls=calls, first=first)

    def _steps(self, data: Data, hp: Mapping[str, float], seed: int, horizon: int, spent: Spent) -> Any:
        """Go from point to point; with each the price of an oracle call."""
        stepper = Stepper(family=self.family, rule=self.rule, host=NUMPY, whole=self._whole)
        problem = {**data, "horizon": np.float64(horizon)}
        p = self._start(data, seed)
        state = stepper.init(p)
        table = self.family.table(data, horizon, generator(seed, "samples"))
        rng = generator(seed, "noise")
        values = {name: np.asarray(value, dtype=float) for name, value in hp.items()}
        with np.errstate(all="ignore"):
            for at in range(horizon):
                row = _row(table, at)
                noise = {name: rng.standard_normal(np.shape(leaf)) for name, leaf in stepper.leaves(p).items()}
                t = np.asarray(at + 1.0)
                p, state, charge = stepper.step(problem, row, noise, p, state, values, t, spent)
                yield p, float(charge)

    def _start(self, data: Data, seed: int) -> Any:
        p = self.family.start(data, generator(seed, "start"))
        if isinstance(p, Mapping):
            return {name: np.asarray(leaf, dtype=float) for name, leaf in p.items()}
        return np.asarray(p, dtype=float)

    @staticmethod
    def _arrays(p: Any) -> list[Array]:
        return list(p.values()) if isinstance(p, Mapping) else [p]


def _row(table: Any, at: int) -> Any:
    if isinstance(table, Mapping):
        return {name: _row(rows, at) for name, rows in table.items()}
    return None if table is None else table[at % len(table)]
