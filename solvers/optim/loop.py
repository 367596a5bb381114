"""Runs of a rule in NumPy, one after the other: the reference.

Everything is double precision, and nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import array_api_compat.numpy as xp
import jax
import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.draws import noise, samples
from slotforge.solvers.optim.lanes import Host, NeedsWhole, Stepper, Together
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.runs import Runs, all_alike

Array = Any
Tree = Any
STEP = 1e-5  # of the difference quotients that stand for derivatives of the gradient


def _differentiate(function: Callable[[Array], Array], x: Array, v: Array) -> Array:
    return (function(x + STEP * v) - function(x)) / STEP


def _jacobian(function: Callable[[Array], Array], x: Array) -> Array:
    units = np.reshape(np.eye(x.size), (x.size, *x.shape))
    return np.stack([np.ravel(_differentiate(function, x, unit)) for unit in units], axis=1)


class _Waits(Exception):
    """A node has asked what is asked together: it goes on once the others have asked it too."""

    def __init__(self, question: Callable[[Array], Array], x: Array) -> None:
        super().__init__()
        self.question = question
        self.x = x


def _at_nodes(function: Callable[[Tree, Together], Tree], given: Tree) -> Tree:
    """Run a rule at one node after the other, up to the first question that is not answered yet, and then all again."""
    nodes = len(jax.tree.leaves(given)[0])
    owns = [jax.tree.map(lambda rows, node=node: rows[node], given) for node in range(nodes)]
    answers: list[Array] = []
    while True:
        made, waiting = [], []
        for node, own in enumerate(owns):
            try:
                made.append(function(own, _hearing(answers, node)))
            except _Waits as waits:
                waiting.append(waits)
        if not waiting:
            return jax.tree.map(lambda *rows: np.stack(rows), *made)
        answers.append(waiting[0].question(np.stack([waits.x for waits in waiting])))


def _hearing(answers: Sequence[Array], node: int) -> Together:
    """Let a node hear its rows of the answers that there are, in the order of the questions."""
    known = iter(answers)

    def together(question: Callable[[Array], Array], x: Array) -> Array:
        answer = next(known, None)
        if answer is None:
            raise _Waits(question, x)
        return answer[node]

    return together


NUMPY = Host(
    xp=xp,
    differentiate=_differentiate,
    jacobian=_jacobian,
    each=lambda function, xs: np.stack([function(x) for x in xs]),
    at_nodes=_at_nodes,
)


@dataclass(kw_only=True)
class Loop:
    """A rule on the problems of a family, in NumPy; offers what `simulate.Program` does.

    whole: whether the rule sees all parameters as one array.
    nudge: how far off a run begins, at random, as a share of the largest entry.
    """

    family: Family
    rule: Composite
    lanes: int = 1
    compile_s: float = 0.0
    nudge: float = 0.0
    spent: Spent = field(default_factory=Spent)
    whole: bool = False

    def inspect(self, data: Data, seed: int = 0) -> None:
        """Carry out one step, and learn what the rule asks and costs; raises what the rule raises."""
        hp = {name: number.default for name, number in self.rule.numbers.items()}
        for self.whole in (False, True):
            self.spent = Spent(counts=True)
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
        horizon: float | None = None,
    ) -> Runs:
        """Run every trial with every seed, each until it is enough; see `simulate.Program.run`."""
        first = np.array([float(self.family.metric(data, self._start(data, seed))) for seed in seeds])
        price = float(self.family.charge({}))
        most, planned = max(1, int(budget / price)), max(1, int((horizon or budget) / price))
        metric = np.full((max(1, most // self.family.stride), len(hps), len(seeds)), np.inf)
        calls = np.full(metric.shape, float(budget))
        for trial, hp in enumerate(hps):
            for place, seed in enumerate(seeds):
                spent = 0.0
                steps = self._steps(data, hp, seed, planned, Spent())
                for t, (p, charge, links) in enumerate(islice(steps, most), 1):
                    spent += charge * (1 + self.spent.extra) + links
                    if not all(np.isfinite(leaf).all() for leaf in self._arrays(p)) or spent > budget:
                        break
                    if t % self.family.stride:
                        continue
                    at = (t // self.family.stride - 1, trial, place)
                    metric[at], calls[at] = float(self.family.metric(data, p)), spent
                    if enough(all_alike(metric[at], spent, first)):
                        break
        return Runs(metric=metric, calls=calls, first=first)

    def _steps(self, data: Data, hp: Mapping[str, float], seed: int, horizon: int, spent: Spent) -> Any:
        """Go from point to point; with each the price of an oracle call, and that of what is sent."""
        stepper = Stepper(family=self.family, rule=self.rule, host=NUMPY, whole=self.whole)
        problem = {**data, "horizon": np.float64(horizon)}
        p = self._start(data, seed)
        state = stepper.init(p)
        table = samples(self.family, data, seed)
        normal = noise({name: np.shape(leaf) for name, leaf in stepper.leaves(p).items()}, seed)
        values = {name: np.asarray(value, dtype=float) for name, value in hp.items()}
        with np.errstate(all="ignore"):
            for at in count():
                t = np.asarray(at + 1.0)
                try:
                    p, state, charge, links = stepper.step(
                        problem, table.row(at), normal.row(at), p, state, values, t, spent
                    )
                except np.linalg.LinAlgError:  # where JAX says NaN
                    p, charge, links = _mapped(lambda leaf: np.full_like(leaf, np.nan), p), 1.0, 0.0
                p = _mapped(lambda leaf: np.asarray(leaf, dtype=float), p)
                yield p, float(charge), float(links)

    def _start(self, data: Data, seed: int) -> Any:
        rng = generator(seed, "nudge")

        def off(leaf: Array) -> Array:
            scale = np.abs(leaf).max(initial=0.0) or 1.0
            return np.asarray(leaf + self.nudge * scale * rng.standard_normal(np.shape(leaf)), dtype=float)

        return _mapped(off, self.family.start(data, generator(seed, "start")))

    @staticmethod
    def _arrays(p: Any) -> list[Array]:
        return list(p.values()) if isinstance(p, Mapping) else [p]


def _mapped(function: Callable[[Array], Array], p: Any) -> Any:
    return {name: function(leaf) for name, leaf in p.items()} if isinstance(p, Mapping) else function(p)
