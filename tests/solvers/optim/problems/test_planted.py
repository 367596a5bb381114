"""Planted local optima: what an offspring is worth, and who gets away from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.planted import family
from slotforge.testing.rule_runs import calls, runs


def generations(problem, rule, seeds, budget, **knobs):
    """Return the median over runs until all bits are right."""
    return calls(family, runs(family, problem(family, **knobs), f"selection={rule}", seeds, budget))[0]


def call(data, p, flips, distorted):
    row = {"flips": jnp.asarray(flips), "distorted": jnp.asarray(distorted)}
    return row, family.oracle(data, p, row, {})


def test_an_offspring_is_worth_the_bits_that_are_wrong_less_a_distortion(problem):
    data = problem(family, n=4, offspring=3)
    p = jnp.append(data["hidden"].at[0].set(1 - data["hidden"][0]), 1.0)
    flips = [[True, False, False, False], [False, True, True, False], [True, False, False, False]]
    row, (value, values) = call(data, p, flips, [False, False, True])
    assert value == 1
    assert values.tolist() == [1, 0, 3, -5]
    child = family.apply(data, p, jnp.asarray([0.0, 0.0, 0.0, 9.0]), row)
    np.testing.assert_array_equal(child, jnp.append(data["hidden"], -5.0))
    assert family.metric(data, child) == 0 < family.goal < family.metric(data, p)


@pytest.mark.parametrize(("copies", "worth"), [(0, 2), (1, -3)])
def test_a_copy_is_a_new_point_or_keeps_the_value_of_its_parent(problem, copies, worth):
    data = problem(family, n=4, offspring=1, copies=copies)
    bits = data["hidden"].at[:2].set(1 - data["hidden"][:2])
    _, (_, values) = call(data, jnp.append(bits, -3.0), [[False] * 4], [False])
    assert values.tolist() == [-3, worth]


def test_among_equals_the_parent_stays(problem):
    data = problem(family, n=4, offspring=2)
    p = jnp.append(data["hidden"], 0.0)
    row, _ = call(data, p, [[True] * 4, [False] * 4], [False, False])
    np.testing.assert_array_equal(family.apply(data, p, jnp.zeros(3), row), p)


def test_the_hidden_string_is_not_told_by_the_point(problem):
    strings = [problem(family, seed)["hidden"] for seed in range(2)]
    assert 0.3 < np.mean(strings[0]) < 0.7
    assert 0.3 < np.abs(strings[0] - strings[1]).mean() < 0.7


def test_bits_flip_one_in_n_and_offspring_are_distorted_as_often_as_is_said(problem):
    table = family.table(problem(family), 2000, np.random.default_rng(0))
    assert table["flips"].mean() == pytest.approx(0.01, rel=0.02)
    assert table["distorted"].mean() == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("rule", ["plus", "comma"])
def test_without_distortion_both_take_what_is_published(problem, rule):
    assert 10 * generations(problem, rule, 12, 400, distortion=0.0) == pytest.approx(1271, rel=0.4)


def test_comma_escapes_planted_optima_where_plus_stays(problem):
    comma = generations(problem, "comma", 24, 1000)
    assert 10 * comma == pytest.approx(2451, rel=0.4)
    assert generations(problem, "plus", 5, 4000) > 10 * comma


def test_copies_that_stay_distorted_hold_comma_back_too(problem):
    fresh, kept = (generations(problem, "comma", 9, 2000, n=50, copies=copies) for copies in (0, 1))
    assert kept > 2 * fresh


def test_a_table_is_drawn_by_seed(problem):
    data = problem(family)
    one, again, other = (family.table(data, 3, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert jax.tree.all(jax.tree.map(np.array_equal, one, again))
    assert not np.array_equal(one["flips"], other["flips"])
