"""What is published about who survives, measured on OneMax with optima planted at random."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from slotforge.solvers.optim.rule import Rule

Choose = Callable[[np.ndarray, int], np.ndarray]
BITS, OFFSPRING = 40, 10
P = np.zeros(BITS + 1)


def evolve(choose: Choose, *, planted: float, seed: int, generations: int = 1200) -> float:
    """Count generations to all ones; a new point looks better by 5 with the given chance."""
    rng = np.random.default_rng(seed)
    bits, value = rng.integers(0, 2, BITS), float(BITS)
    for t in range(1, generations + 1):
        flips = rng.random((OFFSPRING, BITS)) < 1 / BITS
        children = bits ^ flips
        values = BITS - children.sum(axis=1) - 5.0 * (rng.random(OFFSPRING) < planted)
        values = np.where(flips.any(axis=1), values, value)
        best = int(np.argmax(choose(np.concatenate([[value], values]), t)))
        if best > 0:
            bits, value = children[best - 1], values[best - 1]
        if bits.all():
            return t
    return np.inf


def chooser(rule: Rule, **hp: float) -> Choose:
    """Bind a rule to its numbers and its state."""
    numbers = {name: np.asarray(hp.get(name, number.default)) for name, number in rule.numbers.items()}
    state = rule.init(np, P)
    aux = SimpleNamespace(parent=np.eye(1 + OFFSPRING)[0])

    def choose(values: np.ndarray, t: int) -> np.ndarray:
        nonlocal state
        scores, state = rule.update(np, values, state, P, numbers, np.asarray(float(t)), aux)
        return scores

    return choose


def needed(rule: Rule, *, planted: float, **hp: float) -> list[float]:
    return [evolve(chooser(rule, **hp), planted=planted, seed=seed) for seed in range(7)]


def test_comma_escapes_planted_optima_where_plus_stays(rule):
    comma, plus = (np.median(needed(rule(f"selection/{name}"), planted=0.02)) for name in ("comma", "plus"))
    assert 2 * comma < plus


@pytest.mark.parametrize("name", ["comma", "lifespan", "threshold"])
def test_without_planted_optima_no_selection_is_much_slower_than_plus(rule, name):
    slower = np.median(needed(rule(f"selection/{name}"), planted=0.0))
    assert slower < 1.5 * np.median(needed(rule("selection/plus"), planted=0.0))


def test_comma_never_keeps_the_parent(rule):
    choose = chooser(rule("selection/comma"))
    for rest in ([1.0] * OFFSPRING, [7.0, 9.0] * (OFFSPRING // 2)):
        assert np.argmax(choose(np.array([-5.0, *rest]), 1)) > 0


@pytest.mark.parametrize(
    ("name", "hp", "other"),
    [
        ("lifespan", {"generations": 1.0}, "comma"),
        ("lifespan", {"generations": 1e4}, "plus"),
        ("threshold", {"threshold": 100.0, "shrink": 1e-7}, "comma"),
    ],
)
def test_at_the_ends_of_their_range_rules_are_plus_or_comma(rule, name, hp, other):
    found = needed(rule(f"selection/{name}"), planted=0.02, **hp)
    assert found == needed(rule(f"selection/{other}"), planted=0.02)


def test_a_parent_dies_once_it_has_lived_its_generations(rule):
    choose = chooser(rule("selection/lifespan"), generations=3.0)
    worse = np.array([0.0, *[1.0] * OFFSPRING])
    survived = [int(np.argmax(choose(worse, t))) == 0 for t in range(1, 7)]
    assert survived == [True, True, False, True, True, False]


def test_a_threshold_takes_what_is_worse_by_less_and_shrinks(rule):
    choose = chooser(rule("selection/threshold"), threshold=2.0, shrink=0.1)
    worse = np.array([0.0, *[1.5] * OFFSPRING])
    assert [int(np.argmax(choose(worse, t))) > 0 for t in (1, 3, 4)] == [True, True, False]
