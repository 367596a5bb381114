"""Small fixed problems on which every rule can be tried at once: does it run, and what does it do?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.core.ids import generator
from slotforge.solvers.optim.compose import SELECTION, Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.problems._family import Control, Data, Family, Knobs
from slotforge.solvers.optim.runs import Runs

Array = Any
Shape = tuple[int, ...]

SHAPES: tuple[Shape, ...] = ((4, 4), (4,), (2, 4, 2))
RANK = 2
PLACES = (None, 0.1, 0.75)  # the defaults, and two places in the range of every number
DIGITS = 8
STEPS = 10
LONG = 200  # steps among gusts


class Probe(Family):
    """A quadratic whose arrays have given shapes; what a rule does is seen by a projection of the point.

    Everything is written with operators alone, so that the same oracle serves NumPy and JAX.
    """

    name = "probe"
    knobs: ClassVar[Knobs] = {}
    budget = STEPS

    def __init__(self, like: Mapping[str, Shape] | Shape, rank: int = RANK) -> None:
        """Take the shape of the point, or the shapes of its arrays by name."""
        self._like = like
        self._rank = rank

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw curvatures, optimum, start and projection."""
        return {
            what: self._each(lambda shape: low + high * rng.random(shape))  # noqa: B023
            for what, low, high in (("curve", 0.5, 2.0), ("best", -1.0, 2.0), ("begin", 0.1, 1.0), ("view", -1.0, 2.0))
        }

    def start(self, data: Data, rng: Generator) -> Any:
        """Begin at the drawn place."""
        return data["begin"]

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Return the quadratic and its gradient, in which what the rule asks of the oracle shows."""
        if not isinstance(p, Mapping):
            g = data["curve"] * (p - data["best"])
            return (g * (p - data["best"])).sum() / 2, _heard(control, g)
        g = {name: data["curve"][name] * (p[name] - data["best"][name]) for name in p}
        return sum((g[name] * (p[name] - data["best"][name])).sum() for name in p) / 2, {
            name: _heard(control, g[name]) for name in g
        }

    def metric(self, data: Data, p: Any) -> Array:
        """Look at the point from a fixed side."""
        if not isinstance(p, Mapping):
            return (data["view"] * p).sum()
        return sum((data["view"][name] * p[name]).sum() for name in p)

    def rank(self, data: Data) -> int:
        """Return the rank that was asked for."""
        return self._rank

    def _each(self, make: Callable[[Shape], Array]) -> Any:
        if isinstance(self._like, Mapping):
            return {name: make(shape) for name, shape in self._like.items()}
        return make(self._like)


class Turn(Probe):
    """Two rows that turn around each other: the gradient is at right angles to the point."""

    def __init__(self) -> None:
        """Fix the shape."""
        super().__init__((2, 4))

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Return a constant, and the operator of a game."""
        return 0 * p.sum(), _heard(control, p[::-1] * data["curve"][:1] * np.asarray([[1], [-1]], dtype=self.dtype))


class Nodes(Probe):
    """Nodes that average with all others, each with a quadratic and a noise of its own."""

    nodes = True

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Return the quadratic and the gradient of each node."""
        g = data["curve"] * (p - data["best"])
        return (g * (p - data["best"])).sum(axis=1) / 2, _heard(control, g)

    def mix(self, data: Data, x: Array) -> Array:
        """Go half of the way to the mean of all."""
        return (x + x.mean(axis=0, keepdims=True)) / 2

    def spread(self, data: Data, p: Any) -> Array:
        """Let nodes of large curvature have the noise."""
        noise = data["curve"].sum(axis=1)
        return noise / noise.mean()


def _heard(control: Control, g: Array) -> Array:
    """Let what the rule asks show in the gradient; a number of each node counts for its row."""
    if "batch" in control:
        g = g * _along(1 + 0.01 * (control["batch"] - 1), g)
    if "weights" in control and control["weights"].shape == g.shape[:1]:
        g = g * _along(0.9 + 0.1 * control["weights"] / (abs(control["weights"]).mean() + 1e-9), g)
    return g


def _along(numbers: Array, g: Array) -> Array:
    return numbers.reshape(-1, *[1] * (g.ndim - 1))


class Gusts(Probe):
    """Gradients that turn and change their size from step to step, so that a rule is seen to act where it acts rarely:
    on outliers, when moves disagree, when the loss grows, or after many steps.
    """

    budget = LONG

    def __init__(self) -> None:
        """Fix the shape."""
        super().__init__(SHAPES[0])

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw gradients of sizes over some orders of magnitude."""
        return rng.standard_normal((steps, *SHAPES[0])) * 10 ** rng.uniform(-2, 1, (steps, 1, 1))

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Return the drawn gradient wherever the point is, and a loss that goes up and down with it."""
        return (row * row).sum() / 2, _heard(control, row)


class Choice(Probe):
    """Values of a parent and four offspring, for rules of selection; scores are what is seen."""

    role = "selection"

    def __init__(self) -> None:
        """Fix the shape: a parent of four entries."""
        super().__init__((4,))

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw the values, with ties; the parent is often good."""
        return np.round(rng.random((steps, 5)) * (2, 6, 6, 6, 6)).astype(self.dtype)

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Return the drawn values."""
        return row.min(), row

    def parent(self, data: Data) -> Array:
        """The first is the parent."""
        return np.eye(1, 5, dtype=self.dtype)[0]

    def apply(self, data: Data, p: Any, answer: Array, row: Any) -> Any:
        """Let the point follow the scores, so that they are seen."""
        return p + (answer * row * (1.0 + row)).sum() * 0.01


def probes(rule: Composite) -> list[Probe]:
    """Return the problems that suit a rule."""
    return [Choice()] if SELECTION in rule.parts else [*map(Probe, SHAPES), Turn(), Gusts(), Nodes((3, 4))]


def behaviour(rule: Composite) -> str:
    """Return a text that is equal for rules that do the same at the same price: what is seen of their runs, rounded.

    After the functional hash of Lion's search (Chen et al. 2023, arXiv:2302.06675): a few fixed inputs, a few steps,
    with the numbers at their defaults and at two places of their ranges.

    Raises:
        Exception: whatever the rule raises on all of the problems.
    """
    seen: list[str] = []
    failure: Exception | None = None
    for probe in probes(rule):
        try:
            seen.append(_seen(rule, probe))
        except Exception as error:
            failure = failure or error
            seen.append("does not run")
    if failure and all(one == "does not run" for one in seen):
        raise failure
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]


def _seen(rule: Composite, probe: Probe) -> str:
    data = probe.draw({}, generator("probe"))
    loop = Loop(family=probe, rule=rule)
    loop.inspect(data)
    hps = [
        {name: number.default if place is None else number.at(place) for name, number in rule.numbers.items()}
        for place in PLACES
    ]
    runs = loop.run(data, hps, [0], budget=probe.budget * (1 + loop.spent.extra), enough=_never)
    price = (loop.spent.extra, loop.spent.rounds, loop.spent.bits)
    return " ".join(f"{value:.{DIGITS}e}" for value in (*price, *runs.metric.ravel()))


def _never(_: Runs) -> bool:
    return False
