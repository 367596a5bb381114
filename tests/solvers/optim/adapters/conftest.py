"""A quadratic function, and runs of a rule on it in NumPy, against which the plug-ins are held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest

from slotforge.solvers.optim import builtin, rule
from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.compose import Composite

SIZE = 12


@dataclass(frozen=True)
class Quadratic:
    """Half of x'Hx from a start, whatever the shape of x."""

    hessian: np.ndarray
    start: np.ndarray
    steps: int = 7  # well below SIZE, at which conjugate gradients are done and rounding is all that is left
    rank: int = 2

    def value(self, x: np.ndarray) -> float:
        return float(x.ravel() @ self.hessian @ x.ravel() / 2)

    def grad(self, x: np.ndarray) -> np.ndarray:
        return (self.hessian @ x.ravel()).reshape(x.shape)

    def noise(self) -> Callable[[tuple[int, ...]], np.ndarray]:
        """Begin a row of draws, which is always the same: each call gives the next one."""
        rng = np.random.Generator(np.random.PCG64(8))
        return lambda shape: rng.standard_normal(SIZE).reshape(shape)

    def run(self, composite: Composite, shape: tuple[int, ...], steps: int | None = None) -> np.ndarray:
        """Run a composite with its defaults, as the contract of a rule says."""
        x = self.start.reshape(shape).copy()
        state, noise = composite.init(xp, x), self.noise()
        hp = {name: np.asarray(number.default) for name, number in composite.numbers.items()}
        questions: dict[str, Any] = {
            "grad": self.grad,
            "grads": lambda xs: np.stack([self.grad(one) for one in xs]),
            "hvp": self.grad,
            "hessian": lambda _: self.hessian,
            "mix": lambda one: one,
            "mix_sign": np.sign,
        }
        for t in range(1, (steps or self.steps) + 1):
            g = self.grad(x)
            facts = {
                "value": np.asarray(self.value(x)), "norm": np.linalg.norm(g), "noise": lambda: noise(shape),
                "horizon": np.asarray(float(self.steps)), "rank": self.rank, "spread": np.zeros(1),
                "parent": np.zeros(1),
            }  # fmt: skip
            aux = Aux(Spent(), facts, questions)
            x, state = composite.update(xp, g, state, x, hp, np.asarray(float(t)), aux)
        return np.asarray(x)


@pytest.fixture(scope="session")
def quadratic() -> Quadratic:
    rng = np.random.default_rng(7)
    root = rng.standard_normal((SIZE, SIZE))
    return Quadratic(root @ root.T / SIZE + np.eye(SIZE) / 10, rng.standard_normal(SIZE))


@pytest.fixture(scope="session")
def compose() -> Callable[[Mapping[str, str]], Composite]:
    """Make a composite of sources by slot; what has no step gets the default one."""

    def made(slots: Mapping[str, str]) -> Composite:
        sources = slots if "step" in slots else {**slots, "step": builtin.default("step")}
        return Composite(parts={slot: rule.load(source) for slot, source in sources.items()})

    return made


@pytest.fixture(scope="session")
def numbers() -> Callable[[Composite], dict[str, float]]:
    """Give the defaults of a composite's numbers."""
    return lambda composite: {name: number.default for name, number in composite.numbers.items()}


@pytest.fixture
def made(compose: Any, numbers: Any) -> Any:
    """Make the class of a built-in step rule, or of a source."""
    from slotforge.solvers.optim.adapters.torch import optimizer

    def make(name: str, **slots: str) -> Any:
        composite = compose({"step": builtin.rules("step").get(name, name), **slots})
        return optimizer(composite, numbers(composite))

    return make
