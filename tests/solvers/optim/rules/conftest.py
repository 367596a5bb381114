"""A host in NumPy for one rule on one small problem: what it does can be read in a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slotforge.solvers import optim
from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.rule import Rule, load

Array = Any
RULES = Path(optim.__file__).parent / "rules"


@dataclass(kw_only=True)
class Walk:
    """What a rule did.

    p: the last point.
    errors: after each step.
    state: of the rule at the end.
    spent: on all questions.
    """

    p: Array
    errors: np.ndarray
    state: Mapping[str, Array]
    spent: Spent


def read(name: str) -> Rule:
    """Load a rule by slot and name, as "step/sgd"."""
    return load((RULES / f"{name}.py").read_text(), name.partition("/")[0])


def walk(
    name: str,
    oracle: Callable[..., Array],
    p: Array,
    steps: int,
    error: Callable[[Array], float] = lambda _: 0.0,
    *,
    facts: Mapping[str, Any] | None = None,
    rng: np.random.Generator | None = None,
    draw: Callable[[], None] | None = None,
    hvp: Callable[[Array, Array], Array] | None = None,
    mix: Callable[[Array], Array] | None = None,
    **hp: float,
) -> Walk:
    """Run a rule.

    Args:
        name: of a file, as "step/sgd".
        oracle: from a point (and, if the rule's state has weights, these) to its gradient.
        facts: of aux: values, or functions of the point.
        rng: for aux.noise.
        draw: takes the sample of a step, before the gradient is asked for.
        hp: numbers other than the default.
    """
    rule = read(name)
    numbers = {key: np.asarray(hp.get(key, number.default)) for key, number in rule.numbers.items()}
    assert set(hp) <= set(numbers)
    state, spent, errors = rule.init(np, p), Spent(), []
    for t in range(1, steps + 1):
        told = {key: value(p) if callable(value) else value for key, value in (facts or {}).items()}
        if rng is not None:
            told["noise"] = rng.standard_normal(p.shape)
        asked: dict[str, Any] = {"grad": oracle, "mix": mix, "hvp": hvp and partial(hvp, p)}
        control = (state["weights"],) if "weights" in state else ()
        if draw is not None:
            draw()
        g = oracle(p, *control)
        p, state = rule.update(np, g, state, p, numbers, np.asarray(float(t)), Aux(spent, told, asked))
        errors.append(error(p))
        if not np.isfinite(errors[-1]):
            break
    return Walk(p=p, errors=np.array(errors), state=state, spent=spent)


@pytest.fixture(name="walk")
def _walk() -> Callable[..., Walk]:
    return walk


@pytest.fixture(name="rule")
def _rule() -> Callable[[str], Rule]:
    return read
