"""What a rule multiplies in a step, by whatever name: read off the program that JAX traces, whatever the host.

An operation that adds up products (a product of matrices, of a matrix and a vector, a sum along an axis) counts as one;
as less where it gives fewer numbers than the parameters are long, so that it makes no difference whether a matrix meets
a vector at once or row by row; as more where it takes more than a product of the parameters and a square matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxprs_in_params

from slotforge.solvers.optim.aux import WHOLE, Aux, Spent
from slotforge.solvers.optim.counted import FACTOR, unit

Array = Any
SUMS = frozenset({"reduce_sum", "cumsum", "cumlogsumexp", "reduce_prod", "cumprod"})


class Shapes:
    """An array namespace whose factorings give shapes alone: what is within them is counted as factoring."""

    def __init__(self, xp: Any) -> None:
        """Take the namespace, or its linear algebra."""
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._xp, name)
        if name == "linalg":
            return Shapes(found)
        return _zeros(found) if name in FACTOR else found


def products(update: Callable[..., Any], arguments: tuple[Any, ...], facts: Mapping[str, Any]) -> float:
    """Count what a rule multiplies in one step.

    Args:
        update: of the rule.
        arguments: its g, state, p, hp and t: arrays of NumPy or JAX.
        facts: what its asides know; what it asks of them gives shapes alone, as that is charged already.
    """
    known = {name: fact() if callable(fact) else fact for name, fact in facts.items()}
    shape = arguments[2].shape

    def step(g: Array, state: Any, p: Array, hp: Any, t: Array) -> Any:
        return update(Shapes(jnp), g, state, p, hp, t, Aux(Spent(), known, QUESTIONS, like=p))

    length, whole = max(shape, default=1), unit(shape)
    found = _operations(jax.make_jaxpr(step)(*arguments).jaxpr)
    return sum(times * max(min(1.0, size / length), work / whole) for size, work, times in found)


def _zeros(function: Callable[..., Any]) -> Callable[..., Any]:
    def zeros(*arguments: Any, **options: Any) -> Any:
        shapes = jax.eval_shape(lambda *given: function(*given, **options), *arguments)
        return jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), shapes)

    return zeros


QUESTIONS = {
    **dict.fromkeys(WHOLE, jnp.zeros_like),
    "hessian": lambda x: jnp.zeros((x.size, x.size), x.dtype),
}


def _operations(program: Any, times: float = 1.0) -> Iterator[tuple[float, float, float]]:
    """Yield of each operation how many numbers it gives, how many multiplications it takes, and how often it is done.

    A loop whose rounds are unknown is done without end; no function that a rule may call is one.
    """
    for line in program.eqns:
        size, name = line.outvars[0].aval.size if line.outvars else 0, line.primitive.name
        if name == "dot_general":
            (along, _), _ = line.params["dimension_numbers"]
            yield size, size * math.prod(line.invars[0].aval.shape[axis] for axis in along), times
        elif name in SUMS:
            yield size, line.invars[0].aval.size, times
        rounds = {"scan": line.params.get("length", 1), "while": math.inf}.get(name, 1)
        for inner in jaxprs_in_params(line.params):
            yield from _operations(inner, times * rounds)
