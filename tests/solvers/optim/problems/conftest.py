"""A loop that runs a step over a problem, for what the families promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture
def problem():
    """Draw a problem of a family by seed, canonical but for the knobs that are named."""

    def draw(family, seed=0, **knobs):
        return jax.tree.map(jnp.asarray, family.draw({**family.knobs, **knobs}, np.random.default_rng(seed)))

    return draw


@pytest.fixture
def trace():
    """Run a step, (p, g, state, t) -> (p, state), and return the metric after each call."""

    def run(family, data, step, steps, init=jnp.zeros_like, seed=0):
        start = jax.tree.map(jnp.asarray, family.start(data, np.random.default_rng([seed, 1])))
        table = jax.tree.map(jnp.asarray, family.table(data, steps, np.random.default_rng([seed, 2])))

        def call(carry, now):
            (p, state), (t, row) = carry, now
            _, g = family.oracle(data, p, row, {})
            answer, state = step(p, g, state, t)
            p = family.apply(data, p, answer, row)
            return (p, state), family.metric(data, p)

        loop = jax.jit(lambda p: jax.lax.scan(call, (p, init(p)), (jnp.arange(1.0, steps + 1), table))[1])
        return np.asarray(loop(start))

    return run


@pytest.fixture
def calls():
    """Return the number of calls after which a metric first is at most the goal; infinite when it never is."""

    def first(metric, goal):
        reached = np.flatnonzero(metric <= goal)
        return reached[0] + 1 if len(reached) else np.inf

    return first


@pytest.fixture
def slope_error():
    """Compare the oracle's gradient with central differences of its loss, along random directions."""

    def error(family, data, p, row=None, control=None, seed=0):
        rng, size, worst = np.random.default_rng(seed), 1e-6, 0.0
        _, g = family.oracle(data, p, row, control or {})
        for _ in range(5):
            v = rng.standard_normal(p.shape)
            up, down = (family.oracle(data, p + sign * size * v, row, control or {})[0] for sign in (1, -1))
            slope = float((up - down) / (2 * size))
            worst = max(worst, abs(slope - float((g * v).sum())) / (abs(slope) + 1e-12))
        return worst

    return error
