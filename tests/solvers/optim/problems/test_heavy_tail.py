"""Noise of infinite variance: what it looks like, and which steps it stops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.heavy_tail import family
from slotforge.testing.rule_runs import calls, runs

SIGN, CLIP, PLAIN = (f"schedule=inverse_sqrt,step={name}" for name in ("signsgd", "clipped_sgd", "sgd"))


def needed(data, ref, **numbers):
    """Return the calls of the tenth of twelve runs to the goal, for each of several step lengths."""
    rates = numbers.pop("lr")
    hps = [{"step.lr": lr, **{f"step.{name}": value for name, value in numbers.items()}} for lr in rates]
    return calls(family, runs(family, data, ref, 12, family.budget, hps)).min()


@pytest.mark.parametrize("rotated", [0, 1])
def test_the_gradient_is_that_of_the_loss_when_there_is_no_noise(problem, slope_error, rotated):
    data = problem(family, rotated=rotated)
    assert slope_error(family, data, jnp.full(20, 0.3), jnp.zeros(20)) < 1e-7
    assert family.metric(data, data["optimum"]) == 0
    assert np.linalg.eigvalsh(data["hessian"])[[0, -1]] == pytest.approx([1, 10])


def test_the_noise_has_the_tail_of_its_index_and_no_side(problem):
    data = problem(family, index=1.5)
    noise = family.table(data, 20000, np.random.default_rng(0)).ravel()
    beyond = [(np.abs(noise) > level).mean() for level in (9, 99)]
    assert beyond == pytest.approx([10**-1.5, 100**-1.5], rel=0.15)
    assert (noise > 0).mean() == pytest.approx(0.5, abs=0.01)


def test_only_rotated_noise_is_shared_by_the_entries(problem):
    row = jnp.zeros(20).at[3].set(7.0)
    for rotated, shaken in ((0, 1), (1, 20)):
        data = problem(family, rotated=rotated)
        _, g = family.oracle(data, data["optimum"], row, {})
        assert np.count_nonzero(g) == shaken


def test_signs_and_clipping_reach_the_goal_in_nine_of_ten_runs_and_plain_steps_do_not(problem):
    data = problem(family)
    assert needed(data, SIGN, lr=[0.06, 0.1]) < 600
    assert 600 < needed(data, CLIP, lr=[0.1], clip=3.0) < 2800
    assert needed(data, PLAIN, lr=[0.001, 0.003, 0.01, 0.03, 0.1]) == np.inf


def test_rotation_takes_the_lead_from_signs_and_leaves_it_to_clipping(problem):
    data = problem(family, rotated=1)
    assert needed(data, CLIP, lr=[0.1], clip=3.0) < 2500
    assert needed(data, SIGN, lr=[0.03, 0.06, 0.1]) > 3 * needed(problem(family), SIGN, lr=[0.06, 0.1])
    assert needed(data, PLAIN, lr=[0.001, 0.003, 0.01, 0.03, 0.1]) == np.inf


def test_noise_is_drawn_by_seed(problem):
    data = problem(family)
    one, again, other = (family.table(data, 3, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert jax.tree.all(jax.tree.map(np.array_equal, one, again))
    assert not np.array_equal(one, other)
