"""Double precision for every test of the step rules, and what tests of the evaluator share."""

import jax
import numpy as np
import pytest

from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.problems._family import Family
from slotforge.solvers.optim.rule import load

jax.config.update("jax_enable_x64", True)

SGD = """
HP = {"lr": (0.1, 1e-3, 10.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return p - hp["lr"] * g, {}
"""


class Noisy(Family):
    """A quadratic around a drawn optimum whose gradient is noisy; `pure` leaves the noise alone."""

    name = "noisy"
    random = True
    budget = 100
    runs = (3, 3)

    def __init__(self, *, noise=0.1, stride=1, pure=False, leaves=False):
        self.noise, self.stride, self.pure, self.leaves = noise, stride, pure, leaves

    def draw(self, knobs, rng):  # noqa: ARG002
        return {"best": 1 + rng.random(4)}

    def start(self, data, rng):  # noqa: ARG002
        p = rng.standard_normal(4)
        return {"a": p[:3], "b": p[3:]} if self.leaves else p

    def table(self, data, steps, rng):  # noqa: ARG002
        return {"noise": rng.standard_normal((steps, 4)), "sign": rng.choice([-1.0, 1.0], (steps, 4))}

    def whole(self, p):
        return jax.numpy.concatenate([p["a"], p["b"]]) if self.leaves else p

    def oracle(self, data, p, row, control):  # noqa: ARG002
        gap = self.whole(p) - data["best"]
        g = (0 if self.pure else 1) * gap + self.noise * row["noise"] * row["sign"]
        return gap @ gap / 2, {"a": g[:3], "b": g[3:]} if self.leaves else g

    def metric(self, data, p):
        gap = self.whole(p) - data["best"]
        return gap @ gap

    def charge(self, control):
        return jax.numpy.maximum(control["batch"], 1.0) if "batch" in control else 1.0


@pytest.fixture
def noisy():
    """Makes a noisy quadratic."""
    return Noisy


@pytest.fixture
def sgd():
    """The source of plain gradient descent with a wide range."""
    return SGD


@pytest.fixture
def step():
    """Makes a composite of one step rule from the body of its update, and of its state."""

    def make(update, init="return {}", numbers='{"lr": (0.1, 1e-3, 10.0, "log")}'):
        return (
            f"HP = {numbers}\n\n\ndef init(xp, p):\n    {init}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n{update}"
        )

    def composite(update, *rest):
        body = "".join(f"    {line}\n" for line in update.split("\n"))
        return Composite(parts={"step": load(make(body, *rest))})

    return composite


@pytest.fixture
def never():
    """Says of no runs that they are enough."""
    return lambda runs: np.isneginf(runs.metric).any()
