"""Do NumPy and JAX agree on what a rule does? What they do not agree on is no result."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.probe import Probe
from slotforge.solvers.optim.problems._family import Data
from slotforge.solvers.optim.runs import Runs
from slotforge.solvers.optim.simulate import AT_ONCE, Program

STEPS = 10
DEAREST = 100.0  # calls that a step may cost by what is sent or by its batch, and still be compared
TOLERANCE = 1e-4  # of what a run has moved, in which JAX and NumPy may differ in double precision after STEPS steps
NUDGE = 1e-11  # by which a start is off, as a share of its largest entry
ROUNDING = 1e-9  # of the metric at the start, in which they may differ where it hardly moved


def parted(program: Program, data: Data, hp: Mapping[str, float], seed: int, horizon: float, seen: Runs) -> str | None:
    """Compare how a run in JAX began with what NumPy does on the same problem.

    Args:
        program: that ran, in double precision.
        data: of the problem.
        hp, seed, horizon: of the first trial and the first seed.
        seen: the run.

    Returns:
        Where they part, or nothing. None where that cannot be told: one has broken down; or they part on a rule that
        asks for derivatives of the gradient, which NumPy has from differences, or on one that goes elsewhere in NumPy
        as well when it begins a little off. See `disagreement` then.
    """
    family, spent = program.family, program.spent
    reference = Loop(family=family, rule=program.rule, spent=spent, whole=program.whole)
    looks = -(-STEPS // family.stride)
    budget = DEAREST * STEPS * (1.0 + spent.extra)

    def begun(runs: Runs) -> np.ndarray:
        return np.asarray(runs.metric[:looks, 0, 0])

    def follow() -> Runs:
        left = iter(range(looks - 1, -1, -1))
        return reference.run(data, [hp], [seed], budget=budget, enough=lambda _: next(left) == 0, horizon=horizon)

    runs, other = follow(), begun(seen)
    known, start = begun(runs), runs.first[0]

    def apart(other: np.ndarray) -> np.ndarray:
        return np.asarray(abs(known - other) > TOLERANCE * abs(known - start).max() + ROUNDING * abs(start))

    if known.shape != other.shape or not np.isfinite([known, other]).all():
        return None
    if not apart(other).any():
        return ""
    if spent.asked & {"hvp", "hessian"}:
        return None
    for reference.nudge in (NUDGE, -NUDGE):
        if apart(begun(follow())).any():
            return None
    return _told(known, other, apart(other), family.stride)


def disagreement(rule: Composite, probe: Probe) -> str:
    """Compare NumPy and JAX, both in double precision, on a small problem.

    Returns:
        Where they part, or nothing.
    """
    data = probe.draw({}, generator("probe"))
    hps = [{name: number.default for name, number in rule.numbers.items()}]
    seen = []
    for made in (Loop(family=probe, rule=rule), Program(family=probe, rule=rule, chunk=STEPS, compiler=AT_ONCE)):
        made.inspect(data)
        runs = made.run(data, hps, [0], budget=STEPS * (1 + made.spent.extra), enough=_never)
        seen.append(runs.metric[:STEPS].ravel())
    reference, other = seen
    scale = np.max(np.abs(reference), where=np.isfinite(reference), initial=1.0)
    apart = ~np.isclose(reference, other, rtol=TOLERANCE, atol=TOLERANCE * scale) & (
        np.isfinite(reference) | np.isfinite(other)
    )
    return _told(reference, other, apart) if apart.any() else ""


def _told(reference: np.ndarray, other: np.ndarray, apart: np.ndarray, stride: int = 1) -> str:
    look = int(np.argmax(apart))
    return f"NumPy and JAX disagree from step {stride * (look + 1)}: {reference[look]:.6g} and {other[look]:.6g}"


def _never(_: Runs) -> bool:
    return False
