"""One step of one run, written once for every host: the oracle, the rule over all parameters, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.counted import Counted
from slotforge.solvers.optim.problems._family import Data, Family, Params
from slotforge.solvers.optim.products import products

Array = Any
SOLE = "p"  # name of the parameters where they are one array


@dataclass(frozen=True, kw_only=True)
class Host:
    """What an array library does for the runs in it.

    xp: its array namespace.
    differentiate: (function, x, v) -> derivative of the function at x along v.
    jacobian: (function, x) -> matrix of all derivatives over the entries of x.
    each: (function, xs) -> the function at each row of xs.
    """

    xp: Any
    differentiate: Callable[[Callable[[Array], Array], Array, Array], Array]
    jacobian: Callable[[Callable[[Array], Array], Array], Array]
    each: Callable[[Callable[[Array], Array], Array], Array]


class NeedsWhole(Exception):
    """A rule asked something of the point as a whole, and was given one array of several."""


@dataclass(frozen=True, kw_only=True)
class Stepper:
    """A rule on a family, in a host.

    whole: whether the rule sees all parameters as one array.
    """

    family: Family
    rule: Composite
    host: Host
    whole: bool

    def leaves(self, p: Params) -> dict[str, Array]:
        """Name the arrays that the rule is applied to, one after the other."""
        if not isinstance(p, Mapping):
            return {SOLE: p}
        if not self.whole:
            return dict(p)
        return {SOLE: self.host.xp.concat([self.host.xp.reshape(p[name], (-1,)) for name in sorted(p)])}

    def params(self, leaves: Mapping[str, Array], like: Params) -> Params:
        """Put arrays together again, in the form of `like`."""
        if not isinstance(like, Mapping):
            return leaves[SOLE]
        if not self.whole:
            return dict(leaves)
        flat, at, found = leaves[SOLE], 0, {}
        for name in sorted(like):
            size = 1
            for length in like[name].shape:
                size *= length
            found[name] = self.host.xp.reshape(flat[at : at + size], like[name].shape)
            at += size
        return found

    def init(self, p: Params) -> dict[str, Any]:
        """Make the state of the rule for each array."""
        return {name: self.rule.init(self.host.xp, leaf) for name, leaf in self.leaves(p).items()}

    def step(
        self,
        data: Data,
        row: Any,
        noise: Mapping[str, Array] | None,
        p: Params,
        state: Mapping[str, Any],
        hp: Mapping[str, Array],
        t: Array,
        spent: Spent,
    ) -> tuple[Params, dict[str, Any], Array, Array]:
        """Carry out a step.

        Args:
            data: of the problem; with "horizon", the number of steps that are planned at most.
            row: what is random in this oracle call.
            noise: standard normal numbers for each array, where the rule asks for any.
            t: number of the step, from 1.
            spent: takes in what the rule asks besides the gradient.

        Returns:
            The next parameters, the state, what one oracle call costs in this step, and what was sent costs besides.

        Raises:
            NeedsWhole: make a stepper with `whole` for this rule.
        """
        control = next((asked for told in state.values() if (asked := self.rule.control(told))), {})
        value, slopes = self._asked(data, p, row, control)
        moved, told = {}, {}
        sent: list[Callable[[], Array]] = []  # bits for each entry
        for name, leaf in self.leaves(p).items():
            facts = self._facts(data, p, value, slopes) | {"noise": None if noise is None else noise[name]}
            aux = Aux(spent, facts, self._questions(data, row, control, p, leaf, sent), like=leaf)
            counted = Counted(self.host.xp)
            moved[name], told[name] = self.rule.update(counted, slopes[name], state[name], leaf, hp, t, aux)
            spent.factoring = max(spent.factoring, counted.calls(leaf.shape))
            if spent.counts:
                given = (slopes[name], state[name], leaf, hp, t)
                spent.products = max(spent.products, products(self.rule.update, given, facts))
        charge, toll = self.family.charge(control), self.family.toll(data)
        links = 0.0 if toll is None else toll * sum(bits() for bits in sent)
        if self.family.role == "step":
            return self.family.apply(data, p, self.params(moved, p), row), told, charge, links
        answer, values = moved[SOLE], slopes[SOLE]
        if answer.shape != values.shape:
            raise TypeError(f"selection: scores of shape {answer.shape} for values of shape {values.shape}")
        return self.family.apply(data, p, answer, row), told, charge, links

    def _facts(self, data: Data, p: Params, value: Array, slopes: Mapping[str, Array]) -> dict[str, Any]:
        """Gather what a rule may know for nothing; what takes work is a function that is called when it is asked.

        Arrays have the type of the gradient, so that no rule leaves the precision of its family by asking.
        """
        xp, kind = self.host.xp, next(iter(slopes.values())).dtype
        return {
            "value": xp.asarray(value),
            "norm": lambda: xp.sqrt(sum(xp.sum(slope * slope) for slope in slopes.values())),
            "horizon": data["horizon"],
            "rank": self.family.rank(data),
            "spread": lambda: xp.asarray(self.family.spread(data, p), dtype=kind),
            "parent": lambda: xp.asarray(self.family.parent(data), dtype=kind),
        }

    def _asked(self, data: Data, p: Params, row: Any, control: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Call the oracle; whatever library it speaks, the rule gets arrays of its host."""
        value, g = self.family.oracle(data, p, row, control)
        leaves = self.leaves(g) if self.family.role == "step" else {SOLE: g}
        return value, {name: self.host.xp.asarray(leaf) for name, leaf in leaves.items()}

    def _questions(
        self,
        data: Data,
        row: Any,
        control: Mapping[str, Array],
        p: Params,
        leaf: Array,
        sent: list[Callable[[], Array]],
    ) -> dict[str, Callable[[Array], Array]]:
        host = self.host

        def grad(x: Array) -> Array:
            if isinstance(p, Mapping) and not self.whole:
                raise NeedsWhole
            return self._asked(data, self.params({SOLE: x}, p), row, control)[1][SOLE]

        def mix(x: Array) -> Array:
            if isinstance(p, Mapping) and not self.whole:
                raise NeedsWhole
            return host.xp.asarray(self.family.mix(data, x))

        def numbers(x: Array) -> Array:
            sent.append(lambda: 32 * self._share(x, leaf))
            return mix(x)

        def signs(x: Array) -> Array:
            sent.append(lambda: x.size / leaf.size)
            return mix(host.xp.sign(x))

        return {
            "grad": grad,
            "grads": lambda xs: host.each(grad, xs),
            "hvp": lambda v: host.differentiate(grad, leaf, v),
            "hessian": lambda x: host.jacobian(grad, x),
            "mix": numbers,
            "mix_sign": signs,
        }

    def _share(self, x: Array, leaf: Array) -> Array:
        """Return how many numbers a message holds for each entry: where every row repeats one, one for each row."""
        rows = self.host.xp.reshape(x, (x.shape[0], -1))
        same = self.host.xp.all(rows == rows[:, :1])
        return self.host.xp.where(same, rows.shape[0], x.size) / leaf.size
