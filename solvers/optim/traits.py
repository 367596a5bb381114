"""What kind of rule a rule is: axes in [0, 1] that are measured on probes, each of one scale for good.

A step is looked at after WARM others, at points on a fixed way to the optimum, with the numbers at their defaults:

    state     arrays of the parameters' size that the rule keeps, of MOST: 0.25 is one, as for momentum
    response  exponent with which the step grows with the scale of the problem, from -0.5 to 1.5: 0.25 is scale-free as
              Adam's, 0.75 is in proportion as gradient descent's
    memory    share of the step that comes from what is kept rather than from the gradient at hand

A rule of selection has `selection_state`; `selection_greed`, the share of choices that fall on the best; and
`selection_memory`, the share of choices that what is kept changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.aux import Spent
from slotforge.solvers.optim.compose import CONTROLS, SELECTION, Composite
from slotforge.solvers.optim.lanes import SOLE, Stepper
from slotforge.solvers.optim.loop import NUMPY
from slotforge.solvers.optim.probe import SHAPES, Choice, Probe
from slotforge.solvers.optim.problems._family import Control, Data

Array = Any
State = Mapping[str, Any]

WARM = 10
MOST = 4
SCALE = 10.0
CHOICES = 32
DIGITS = 6


class Scaled(Probe):
    """A probe whose loss is multiplied by a number of the data."""

    def oracle(self, data: Data, p: Any, row: Any, control: Control) -> tuple[Array, Any]:
        """Multiply loss and gradient."""
        value, g = super().oracle(data, p, row, control)
        return data["scale"] * value, data["scale"] * g


class Scores(Choice):
    """A probe of selection whose next point is the scores."""

    def apply(self, data: Data, p: Any, answer: Array, row: Any) -> Any:  # noqa: ARG002
        """Give the scores."""
        return answer


def traits(rule: Composite) -> dict[str, float]:
    """Measure the axes on the first probe on which the rule runs; one that cannot be told is left out."""
    if SELECTION in rule.parts:
        return _first(lambda: _selection(rule, Scores()))
    return _first(*(lambda shape=shape: _step(rule, Scaled(shape)) for shape in SHAPES))


def _first(*tries: Callable[[], dict[str, float]]) -> dict[str, float]:
    for measured in tries:
        try:
            found = measured()
        except Exception:  # whatever the rule raises on this probe
            continue
        return {name: round(share, DIGITS) for name, share in found.items() if math.isfinite(share)}
    return {}


class _Steps:
    """Single steps of a rule on a probe, from any state."""

    def __init__(self, rule: Composite, probe: Probe) -> None:
        self.data = {**probe.draw({}, generator("traits")), "horizon": np.float64(4 * WARM)}
        self._hp = {name: np.asarray(number.default) for name, number in rule.numbers.items()}
        self._stepper = Stepper(family=probe, rule=rule, host=NUMPY, whole=False)
        self.begin = np.asarray(probe.start(self.data, generator("traits")), dtype=float)
        self.fresh = self._stepper.init(self.begin)

    def take(self, state: State, p: Array, at: int, *, row: Any = None, scale: float = 1.0) -> tuple[Array, State]:
        """Carry out step `at`, from 0; return the next point and the state."""
        data = {**self.data, "scale": scale}
        noise = {SOLE: generator("traits", at).standard_normal(p.shape)}
        with np.errstate(all="ignore"):
            moved, told, *_ = self._stepper.step(data, row, noise, p, state, self._hp, np.asarray(at + 1.0), Spent())
        return np.asarray(moved, dtype=float), told

    @property
    def size(self) -> float:
        """Entries of the state over those of the parameters, of MOST."""
        kept = (
            np.size(value) for part in self.fresh[SOLE].values() for name, value in part.items() if name not in CONTROLS
        )
        return min(1.0, sum(kept) / (MOST * self.begin.size))


def _step(rule: Composite, probe: Scaled) -> dict[str, float]:
    steps = _Steps(rule, probe)

    def way(at: int) -> Array:
        return steps.begin + (steps.data["best"] - steps.begin) * at / (2 * WARM)

    def warm(scale: float) -> State:
        state: State = steps.fresh
        for at in range(WARM):
            _, state = steps.take(state, way(at), at, scale=scale)
        return state

    def move(state: State, scale: float) -> Array:
        return steps.take(state, way(WARM), WARM, scale=scale)[0] - way(WARM)

    kept = warm(1.0)
    alone = move(kept, 0.0)
    small, large = (float(np.linalg.norm(move(warm(scale), scale))) for scale in (1.0, SCALE))
    old = float(np.linalg.norm(alone - move(steps.fresh, 0.0)))
    new = float(np.linalg.norm(move(kept, 1.0) - alone))
    exponent = math.log(large / small, SCALE) if small > 0 and large > 0 else math.nan
    return {
        "state": steps.size,
        "response": min(1.0, max(0.0, (exponent + 0.5) / 2)) if math.isfinite(exponent) else math.nan,
        "memory": old / (old + new) if old + new > 0 else 0.0,
    }


def _selection(rule: Composite, probe: Scores) -> dict[str, float]:
    steps = _Steps(rule, probe)
    rows = probe.table(steps.data, WARM + CHOICES, generator("traits"))
    state: State = steps.fresh
    for at, row in enumerate(rows[:WARM]):
        _, state = steps.take(state, steps.begin, at, row=row)

    def choices(of: State) -> Array:
        return np.array([np.argmax(steps.take(of, steps.begin, WARM, row=row)[0]) for row in rows[WARM:]])

    kept = choices(state)
    return {
        "selection_state": steps.size,
        "selection_greed": float(np.mean(kept == np.argmin(rows[WARM:], axis=1))),
        "selection_memory": float(np.mean(kept != choices(steps.fresh))),
    }
