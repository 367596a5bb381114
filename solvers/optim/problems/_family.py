"""What a family of problems offers to the evaluator; a family is one file with a subclass and `family = Name()`.

Problems are drawn with NumPy from a generator that is handed in, so that a seed is a problem on every machine. Oracle
and metric are pure functions of JAX arrays and, where the family has double precision, of NumPy arrays as well, in
which case they do without JAX (`_numerics`). Sizes stand in the shapes alone, so that problems of one shape share a
program.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.random import Generator

Array = Any
Data = Mapping[str, Any]  # arrays by name
Params = Any  # an array, or a dict of arrays
Knobs = Mapping[str, float]
Control = Mapping[str, Array]


class Range(NamedTuple):
    """What a knob may be set to, ends included."""

    low: float
    high: float = math.inf
    whole: bool = False

    def fault(self, value: float) -> str:
        """Say what a value must be; nothing if it is."""
        if self.whole and not float(value).is_integer():
            return "must be a whole number"
        if self.low <= value <= self.high:
            return ""
        return f"must be at least {self.low:g}" + (f" and at most {self.high:g}" if self.high < math.inf else "")


def whole(low: int, high: int = 100_000) -> Range:
    """Make the range of a size, or of a choice among a few."""
    return Range(low, high, whole=True)


FLAG = whole(0, 1)


class Box(NamedTuple):
    """A function of which nothing but values can be had.

    values: of points that stand along the last axis of an array.
    d: entries of a point.
    per_call: how many values cost as much as one oracle call.
    least: the least value there is, which the judge knows alone.
    """

    values: Callable[[np.ndarray], np.ndarray]
    d: int
    per_call: int
    least: float


class Family(ABC):
    """A family of problems.

    Class attributes:
        role: "step" where a rule moves a point; "selection" where it chooses among offspring.
        dtype: of all arrays of the point.
        knobs: what makes a problem harder, with the values of the canonical problem.
        ranges: of each knob.
        within: pairs of knobs of which the first must not be greater than the second.
        splits: settings of knobs that the instances of a split take in turn; what is not set is canonical. The holdout
            also has larger sizes and members that the other splits do not have.
        specialists: names of the rules that the theory of this family recommends; "blackbox=NAME" is a search.
        goal: a metric of at most this solves a problem, where none is frozen.
        learned: whether no optimum is known, so that the goal of each case is frozen from what tuned AdamW reaches.
        floor: what the metric cannot go below; targets are spaced in the logarithm of what is above it.
        budget: steps after which a run is cut, for a case whose budget is not frozen.
        stride: steps between two looks at the metric.
        nodes: whether the point has a row for each node of a network. A rule is run at each of them, sees one row, and
            has no way to another but `mix`.
        random: whether runs differ by seed (start or oracle).
        runs: of each trial in a search and for a verdict, where runs differ by seed.
        brief: whether the runs of a search are over sooner than a program for them is optimised.
        quantile: of the runs by seed, 0.5 is the median.
    """

    name: ClassVar[str]
    role: ClassVar[Literal["step", "selection"]] = "step"
    dtype: ClassVar[str] = "float64"
    knobs: ClassVar[Knobs]
    ranges: ClassVar[Mapping[str, Range]]
    within: ClassVar[Sequence[tuple[str, str]]] = ()
    splits: ClassVar[Mapping[str, Sequence[Knobs]]]
    specialists: ClassVar[tuple[str, ...]]
    goal: ClassVar[float] = 1e-6
    learned: ClassVar[bool] = False
    floor: ClassVar[float] = 0.0
    budget: ClassVar[int]
    stride: ClassVar[int] = 1
    nodes: ClassVar[bool] = False
    random: ClassVar[bool] = False
    runs: ClassVar[tuple[int, int]] = (3, 9)
    brief: ClassVar[bool] = False
    quantile: ClassVar[float] = 0.5

    def misfit(self, knobs: Knobs) -> str:
        """Say why there is no problem with these settings, of some knobs or of all; nothing where there is one."""
        for name, value in knobs.items():
            if fault := self.ranges[name].fault(value):
                return f"{name}={value:g} {fault}"
        for small, large in self.within:
            if small in knobs and large in knobs and knobs[small] > knobs[large]:
                return f"{small}={knobs[small]:g} must not be greater than {large}={knobs[large]:g}"
        return ""

    @abstractmethod
    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Make a problem: arrays by name; all numbers of the oracle that differ between problems are in here."""

    @abstractmethod
    def start(self, data: Data, rng: Generator) -> Params:
        """Make the point from which a run begins, as NumPy arrays of this family's dtype."""

    def table(self, data: Data, steps: int, rng: Generator) -> Any:
        """Draw what is random in the oracle calls of one run: arrays (or a dict of them) with `steps` rows; None if
        nothing is. Runs longer than the table go through it again.
        """
        return None

    @abstractmethod
    def oracle(self, data: Data, p: Params, row: Any, control: Control) -> tuple[Array, Params]:
        """Return the loss at p and its gradient, or whatever stands for them in this family; those of each node.

        Args:
            row: of the table, in this step.
            control: what the rule asks of the oracle: "batch", a multiple of the base batch (1 or more), "weights", the
                share of the samples that each node gets; empty when it asks nothing.
        """

    @abstractmethod
    def metric(self, data: Data, p: Params) -> Array:
        """Return how far p is from solved; below `goal` it is."""

    def apply(self, data: Data, p: Params, answer: Array, row: Any) -> Params:
        """Return the next point, given what the rule answered; for a step rule, that is the answer."""
        return answer

    def charge(self, control: Control) -> Array | float:
        """Return what one oracle call costs: more than 1 where the rule asked for a larger batch."""
        return 1.0

    def toll(self, data: Data) -> Array | None:
        """Return what it costs, in calls, to send one bit for each entry of a node's point; None where it is free."""
        return None

    def mix(self, data: Data, x: Array) -> Array:
        """Average the rows of an array over neighbours; without nodes there are none."""
        return x

    def spread(self, data: Data, p: Params) -> Array:
        """Return the estimated noise of each node's gradient as a share of the mean; zero where it is not known."""
        return np.zeros(1)

    def parent(self, data: Data) -> Array:
        """Return 1 at the place of the parent among the values that selection sees."""
        return np.zeros(1)

    def box(self, data: Data) -> Box | None:
        """Offer the problem to searches that see values alone (`blackbox`), where it is one for them.

        What they find is judged by the metric: value less the least.
        """
        return None

    def rank(self, data: Data) -> int:
        """Return the rank that is looked for, read from shapes; 0 where there is none."""
        return 0
