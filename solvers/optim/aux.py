"""What a rule may ask for besides the gradient, and what each question costs.

The same class serves every host (JAX, NumPy, torch): the host hands in functions, and counts what was asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Array = Any

WHOLE = frozenset({"grad", "grads", "hvp", "hessian", "mix", "mix_sign"})
"""Questions about the point as a whole: a rule that asks one gets all parameters as one vector."""


EXCHANGES = 2  # with the neighbours that go with a step: for the point, and for what it follows
PRODUCTS = 20  # that go with each call: Muon's five Newton-Schulz iterations take 15


@dataclass
class Spent:
    """What the questions of one step cost.

    calls: gradients; one for g itself is not among them.
    rounds: of calls that can be made at once, one after the other.
    exchanges: with the neighbours.
    factoring: calls that the rule's own factorings of matrices stand for, beyond those that go with a step.
    products: that the rule makes by itself, of matrices and vectors (see `products`); known where `counts`.
    counts: whether they are to be counted, which takes a trace of the rule.
    bits: sent by each node, per entry of its parameters.
    asked: the names of what was used.
    """

    calls: float = 0.0
    rounds: float = 0.0
    exchanges: int = 0
    factoring: float = 0.0
    products: float = 0.0
    counts: bool = False
    bits: float = 0.0
    asked: set[str] = field(default_factory=set)

    def add(self, other: Spent) -> None:
        """Take in what another array costs in the same step; of the work on it, what is most counts."""
        self.calls += other.calls
        self.rounds += other.rounds
        self.exchanges += other.exchanges
        self.bits += other.bits
        self.factoring = max(self.factoring, other.factoring)
        self.products = max(self.products, other.products)
        self.asked |= other.asked

    @property
    def extra(self) -> float:
        """Calls besides that for g itself, with those that stand for too much factoring and too many products."""
        beyond = round(self.products - PRODUCTS * (1 + self.calls), 6)  # sums of parts are no whole numbers
        return self.calls + self.factoring + (max(0.0, math.ceil(beyond)) if math.isfinite(beyond) else math.inf)


class Aux:
    """Asides of one step.

    value: the loss at p (free: it comes with the gradient); at a node of a network its own.
    norm: Euclidean norm of the gradient over all parameters (free); at a node of its own gradient.
    noise: standard normal numbers of p's shape, fresh in each step, alike for all rules (free).
    horizon: the number of steps that are planned at most.
    rank: the rank of the matrix that is looked for, where the family knows one; else 0.
    spread: one number, the noise of this node's gradient as a share of the mean over the nodes; 0 where nothing is
        known of it, or there are no nodes (free).
    parent: 1 at the place of the parent among the values that `selection` sees, 0 at its offspring.
    """

    def __init__(
        self,
        spent: Spent,
        facts: dict[str, Any],
        functions: dict[str, Callable[[Array], Array]],
        like: Array | None = None,
    ) -> None:
        """Take in what the host knows.

        Args:
            spent: where costs are counted.
            facts: value, norm, noise, horizon, rank, spread, parent: values, or functions without arguments, which are
                called once at most.
            functions: grad, hvp, mix: see the methods.
            like: the array of parameters, to whose entries bits relate; None: whatever is sent has as many.
        """
        self._spent = spent
        self._facts = dict(facts)
        self._functions = functions
        self._like = like

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._facts:
            raise AttributeError(f"aux has no '{name}': it has {', '.join([*self._facts, *sorted(WHOLE)])}")
        self._spent.asked.add(name)
        fact = self._facts[name]
        if callable(fact):
            fact = self._facts[name] = fact()
        return fact

    def grad(self, x: Array) -> Array:
        """Return the gradient at another point, with the same sample: one call."""
        self._shaped("grad", x.shape)
        return self._ask("grad", x, calls=1, rounds=1)

    def grads(self, xs: Array) -> Array:
        """Return the gradients at several points, stacked along the first axis: a call each, one round together."""
        self._shaped("grads", xs.shape[1:])
        return self._ask("grads", xs, calls=xs.shape[0], rounds=1)

    def hvp(self, v: Array) -> Array:
        """Return the Hessian times a vector: two calls."""
        self._shaped("hvp", v.shape)
        return self._ask("hvp", v, calls=2, rounds=2)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian at a point as a square matrix over all entries: two calls for each entry."""
        self._shaped("hessian", x.shape)
        return self._ask("hessian", x, calls=2 * _size(x), rounds=2 * _size(x))

    def mix(self, x: Array) -> Array:
        """Average with the neighbours, at a node of a network; 32 bits an entry. Alone, x itself.

        Two exchanges go with a step; each further one is charged as a call, and so it is for `mix_sign`.
        """
        return self._ask("mix", x, bits=32 * self._share(x), **self._exchange())

    def mix_sign(self, x: Array) -> Array:
        """Average the signs of the neighbours and one's own; 1 bit an entry. Alone, the sign of x."""
        return self._ask("mix_sign", x, bits=self._share(x), **self._exchange())

    def _exchange(self) -> dict[str, float]:
        self._spent.exchanges += 1
        extra = float(self._spent.exchanges > EXCHANGES)
        return {"calls": extra, "rounds": extra}

    def _shaped(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse what is not a point: an array that is broadcast would ask many questions for the price of one."""
        if self._like is not None and tuple(shape) != tuple(self._like.shape):
            raise TypeError(f"aux.{name} takes points of p's shape {list(self._like.shape)}, not {list(shape)}")

    def _share(self, x: Array) -> float:
        if self._like is None:
            return 1.0
        if _size(x) > _size(self._like):
            raise TypeError(f"aux.mix takes no more than p's shape {list(self._like.shape)} has, not {list(x.shape)}")
        return _size(x) / _size(self._like)

    def _ask(self, name: str, x: Array, *, calls: float = 0, rounds: float = 0, bits: float = 0) -> Array:
        if name not in self._functions:
            raise TypeError(f"aux.{name} is for rules that make a step: selection sees the values of offspring alone")
        self._spent.calls += calls
        self._spent.rounds += rounds
        self._spent.bits += bits
        self._spent.asked.add(name)
        return self._functions[name](x)


def _size(x: Array) -> int:
    return math.prod(x.shape)
