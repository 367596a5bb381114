"""Do NumPy and JAX agree on what a rule does? What they do not agree on is no result."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.probe import Probe
from slotforge.solvers.optim.problems._family import Data, Family
from slotforge.solvers.optim.runs import Runs

STEPS = 10
TOLERANCE = 1e-4  # of what a run has moved, in which JAX and NumPy may differ in double precision after STEPS steps
ROUNDING = 1e-9  # of the metric at the start, in which they may differ where it hardly moved


def agrees(
    family: Family, data: Data, rule: Composite, hp: Mapping[str, float], seed: int, horizon: float | None, seen: Runs
) -> bool:
    """Tell whether NumPy bears out how a run in JAX began, so far that nothing more need be asked.

    Args:
        family, data: the problem of the run, of double precision.
        hp, seed, horizon: of its first trial and first seed.
        seen: the run.

    Returns:
        False where they part, and where one has broken down so early that it says little: see `disagreement` then.
    """
    reference = Loop(family=family, rule=rule)
    reference.inspect(data)
    steps = family.stride * -(-STEPS // family.stride)
    budget = steps * (1.0 + reference.spent.extra)
    runs = reference.run(data, [hp], [seed], budget=budget, enough=_never, horizon=horizon)
    looks = steps // family.stride
    known, other = (one.cut(budget).metric[:looks, 0, 0] for one in (runs, seen))
    if known.shape != other.shape or not np.isfinite(known).all():
        return False
    start = runs.first[0]
    return bool((abs(known - other) <= TOLERANCE * abs(known - start).max() + ROUNDING * abs(start)).all())


def disagreement(rule: Composite, probe: Probe) -> str:
    """Compare NumPy and JAX, both in double precision, on a small problem.

    Returns:
        Where they part, or nothing.
    """
    from slotforge.solvers.optim.simulate import Program

    data = probe.draw({}, generator("probe"))
    hps = [{name: number.default for name, number in rule.numbers.items()}]
    seen = []
    for made in (Loop(family=probe, rule=rule), Program(family=probe, rule=rule, chunk=STEPS)):
        made.inspect(data)
        runs = made.run(data, hps, [0], budget=STEPS * (1 + made.spent.extra), enough=_never)
        seen.append(runs.metric[:STEPS].ravel())
    reference, other = seen
    scale = np.max(np.abs(reference), where=np.isfinite(reference), initial=1.0)
    parted = ~np.isclose(reference, other, rtol=TOLERANCE, atol=TOLERANCE * scale) & (
        np.isfinite(reference) | np.isfinite(other)
    )
    if not parted.any():
        return ""
    step = int(np.argmax(parted))
    return f"NumPy and JAX disagree from step {step + 1}: {reference[step]:.6g} and {other[step]:.6g}"


def _never(_: Runs) -> bool:
    return False
