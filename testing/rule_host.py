"""One small smooth problem for arrays of any shape, and a loop that runs a rule on it in any array library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slotforge.solvers import optim
from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.rule import Rule, load

Array = Any
Shape = tuple[int, ...]
RULES = Path(optim.__file__).parent / "rules"
HORIZON = 100


def read(name: str, **constants: float) -> Rule:
    """Load a rule, as "step/adam", with constants of its file at other values."""
    slot, _, _ = name.partition("/")
    source = (RULES / f"{name}.py").read_text()
    for constant, value in constants.items():
        lines = source.splitlines()
        assert sum(line.startswith(f"{constant} = ") for line in lines) == 1
        source = "\n".join(f"{constant} = {value!r}" if line.startswith(f"{constant} = ") else line for line in lines)
    return load(source, slot)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The sum of sqrt(1 + r^2) over the entries of r = A p - b: convex, smooth and not quadratic.

    xp: the array library of everything in here.
    """

    xp: Any
    matrix: Array
    target: Array
    start: Array

    def value(self, p: Array) -> Array:
        """Return the loss."""
        r = self._residual(p)
        return self.xp.sum(self.xp.sqrt(1 + r * r))

    def grad(self, p: Array) -> Array:
        """Return the gradient, of p's shape."""
        r = self._residual(p)
        return self.xp.reshape(self.matrix.mT @ (r / self.xp.sqrt(1 + r * r)), p.shape)

    def hvp(self, p: Array, v: Array) -> Array:
        """Return the Hessian at p times a vector, of p's shape."""
        return self.xp.reshape(self.hessian(p) @ self.xp.reshape(v, (-1,)), p.shape)

    def hessian(self, p: Array) -> Array:
        """Return the Hessian as a square matrix."""
        r = self._residual(p)
        return self.matrix.mT @ (self.matrix * self.xp.reshape((1 + r * r) ** -1.5, (-1, 1)))

    def _residual(self, p: Array) -> Array:
        return self.matrix @ self.xp.reshape(p, (-1,)) - self.target


def problem(xp: Any, shape: Shape, dtype: str = "float64", seed: int = 0) -> Problem:
    """Draw a problem with NumPy and hand it over to an array library."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))

    def draw(*lengths: int) -> Array:
        return xp.asarray(rng.standard_normal(lengths).astype(dtype))

    return Problem(xp=xp, matrix=draw(size + 3, size) / size**0.5, target=draw(size + 3), start=draw(*shape))


def ring(xp: Any, x: Array) -> Array:
    """Average over the neighbours on a ring, which the first axis counts."""
    return (x + xp.roll(x, 1, axis=0) + xp.roll(x, -1, axis=0)) / 3 if x.ndim > 1 else x


def aside(p: Array, of: Problem, spent: Spent, *, noise: Array, mix: Callable[[Any, Array], Array] = ring) -> Aux:
    """Answer what a rule may ask, at p."""
    xp = of.xp
    one = xp.ones_like(of.target[0])
    facts = {
        "value": lambda: of.value(p),
        "norm": lambda: xp.sqrt(xp.sum(of.grad(p) ** 2)),
        "noise": noise,
        "horizon": HORIZON * one,
        "rank": min(2, *p.shape) if p.ndim > 1 else 1,
        "spread": lambda: xp.abs(of.target[:1]) + 0.1,
    }
    functions = {
        "grad": of.grad,
        "grads": lambda xs: xp.stack([of.grad(xs[i, ...]) for i in range(xs.shape[0])]),
        "hvp": lambda v: of.hvp(p, v),
        "hessian": of.hessian,
        "mix": lambda x: mix(xp, x),
        "mix_sign": lambda x: mix(xp, xp.sign(x)),
    }
    return Aux(spent, facts, functions)


def numbers(rule: Rule, of: Problem, hp: Mapping[str, float]) -> dict[str, Array]:
    """Return the rule's numbers as arrays without axes."""
    assert set(hp) <= set(rule.numbers)
    values = {name: hp.get(name, number.default) for name, number in rule.numbers.items()}
    return {name: of.xp.asarray(np.asarray(value, dtype=_dtype(of))) for name, value in values.items()}


def path(
    rule: Rule,
    of: Problem,
    steps: int,
    /,
    *,
    slot: str = "step",
    mix: Callable[[Any, Array], Array] = ring,
    spent: Spent | None = None,
    **hp: float,
) -> Iterator[tuple[Array, dict[str, Array]]]:
    """Run a rule as the step, or as another part of a step of gradient descent with length 0.1.

    Yields:
        Each point and the state that belongs to it.
    """
    xp, p, rng = of.xp, of.start, np.random.default_rng(1)
    told = dict(rule.init(xp, p))
    values = numbers(rule, of, hp)
    for t in range(1, steps + 1):
        noise = xp.asarray(np.asarray(rng.standard_normal(p.shape), dtype=_dtype(of)))
        aux = aside(p, of, Spent() if spent is None else spent, noise=noise, mix=mix)
        p, told = advance(rule, of, slot, p, told, values, xp.asarray(np.asarray(t, dtype=_dtype(of))), aux)
        yield p, told


def advance(
    rule: Rule, of: Problem, slot: str, p: Array, told: Mapping[str, Array], hp: Mapping[str, Array], t: Array, aux: Aux
) -> tuple[Array, dict[str, Array]]:
    """Carry out one step, in which everything but the rule is gradient descent with length 0.1."""
    g = of.grad(p)
    given = {"schedule": of.xp.ones_like(t), "restart": p - 0.1 * g}.get(slot, g)
    answer, new = rule.update(of.xp, given, told, p, hp, t, aux)
    if slot == "schedule":
        answer = answer * g
    return (answer if slot in ("step", "restart") else p - 0.1 * answer), dict(new)


def points(rule: Rule, of: Problem, steps: int, /, **options: Any) -> np.ndarray:
    """Return the points that a rule goes through, in NumPy."""
    return np.stack([np.asarray(p) for p, _ in path(rule, of, steps, **options)])


def _dtype(of: Problem) -> str:
    return str(of.start.dtype).rpartition(".")[2]
