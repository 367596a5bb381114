"""The first steps of a rule on a small quadratic function, which an exported file must repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.adapters._load import composite
from slotforge.solvers.optim.aux import Aux, Spent

Array = Any
STEPS = 5
START = (0.3, -0.2, 0.5, 0.1, -0.4, 0.6)
SHAPES = ((6,), (2, 3), (3, 2), (2, 3, 1))
RANK = 1
LARGE = 1e6  # a point beyond it is one where rounding errors have grown


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Where a rule gets.

    numbers: defaults of the rule's numbers.
    end: the point after `steps` steps; None where it depends on chance, or runs away.
    """

    numbers: dict[str, float]
    shape: tuple[int, ...]
    start: list[float]
    end: list[float] | None
    steps: int = STEPS


def slope(p: Array) -> Array:
    """Return the gradient of half of sum(i * p_i^2) + sum(p)^2, i from 1; it is its own Hessian product."""
    weights = np.reshape(np.arange(1.0, p.size + 1), p.shape)
    return weights * p + np.sum(p)


def record(slots: Mapping[str, str], found: Mapping[str, float], *, vector: bool) -> Trajectory:
    """Run a rule with its defaults on a point of the first shape that it takes.

    Args:
        slots: slot name to source.
        found: numbers that take the place of declared ones, as for `composite`.
        vector: take a vector only.

    Raises:
        UsageError: it takes none of the shapes.
    """
    reason = ""
    for shape in SHAPES[:1] if vector else SHAPES:
        start = np.reshape(np.array(START), shape)
        try:
            with np.errstate(all="ignore"):
                end, asked, numbers = _run(slots, found, start)
        except Exception as error:  # a rule that was made for other shapes may fail in any way
            reason = f"{type(error).__name__}: {error}"
            continue
        certain = "noise" not in asked and bool(np.all(np.abs(end) < LARGE))
        return Trajectory(
            numbers=numbers, shape=shape, start=list(START), end=end.ravel().tolist() if certain else None
        )
    raise UsageError(f"the rule does not work on {'a vector' if vector else 'a small array'}: {reason.splitlines()[0]}")


def _run(slots: Mapping[str, str], found: Mapping[str, float], p: Array) -> tuple[Array, set[str], dict[str, float]]:
    rule, numbers = composite(slots, found)
    hp = {name: np.asarray(value, dtype=float) for name, value in numbers.items()}
    state, spent = rule.init(xp, p), Spent()
    for t in range(1, STEPS + 1):
        g = slope(p)
        facts = {
            "value": np.sum(p * g) / 2, "norm": np.linalg.vector_norm(g), "noise": np.zeros_like(p),
            "horizon": np.asarray(float(STEPS)), "rank": RANK, "spread": np.zeros(1), "parent": np.zeros(1),
        }  # fmt: skip
        hessian = np.diag(np.arange(1.0, p.size + 1)) + np.ones((p.size, p.size))
        questions: dict[str, Any] = {
            "grad": slope, "grads": lambda xs: np.stack([slope(x) for x in xs]), "hvp": slope,
            "hessian": lambda _, hessian=hessian: hessian, "mix": lambda x: x, "mix_sign": np.sign,
        }  # fmt: skip
        p, state = rule.update(xp, g, state, p, hp, np.asarray(float(t)), Aux(spent, facts, questions))
    return np.asarray(p), spent.asked, numbers
