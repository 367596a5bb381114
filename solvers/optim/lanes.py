"""One step of one run, written once for every host: the oracle, the rule over all parameters, and what it costs.

Where the point has a row for each node of a network, the rule runs at each of them and sees one row; what it asks is
asked by all together, and each node hears its row of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.counted import Counted
from slotforge.solvers.optim.problems._family import Data, Family, Params
from slotforge.solvers.optim.products import products

Array = Any
Tree = Any
Together = Callable[[Callable[[Array], Array], Array], Array]
"""(question, x) -> the node's row of the answer, where a question takes the x of all nodes as rows."""
SOLE = "p"  # name of the parameters where they are one array


@dataclass(frozen=True, kw_only=True)
class Host:
    """What an array library does for the runs in it.

    xp: its array namespace.
    differentiate: (function, x, v) -> derivative of the function at x along v.
    jacobian: (function, x) -> matrix of all derivatives over the entries of x.
    each: (function, xs) -> the function at each row of xs.
    at_nodes: (function, given) -> what the function makes at each node of what is given, both with a row for each node.
        The function also gets a `Together`, the only way from node to node.
    """

    xp: Any
    differentiate: Callable[[Callable[[Array], Array], Array, Array], Array]
    jacobian: Callable[[Callable[[Array], Array], Array], Array]
    each: Callable[[Callable[[Array], Array], Array], Array]
    at_nodes: Callable[[Callable[[Tree, Together], Tree], Tree], Tree]


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

        def make(leaf: Array, _: Together) -> Tree:
            return self.rule.init(self.host.xp, leaf)

        return {name: self._run(make, leaf) for name, leaf in self.leaves(p).items()}

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
        control = next((asked for told in state.values() if (asked := self._control(told, p))), {})
        value, slopes = self._asked(data, p, row, control)
        shared = {"value": self.host.xp.asarray(value), "slopes": slopes, "spread": self._spread(data, p, slopes)}
        toll = self.family.toll(data)
        costs: list[Spent] = []

        def act(own: Tree, together: Together) -> tuple[Array, Tree, list[Array]]:
            cost, counted, messages = Spent(), Counted(self.host.xp), list[Callable[[], Array]]()
            questions = self._questions(data, row, control, p, own["p"], together, messages)
            aux = Aux(cost, self._facts(data, own), questions, like=own["p"])
            answer, new = self.rule.update(counted, own["g"], own["state"], own["p"], hp, t, aux)
            cost.factoring = counted.calls(own["p"].shape)
            costs.append(cost)
            return answer, new, [] if toll is None else [bits() for bits in messages]

        moved, told = {}, {}
        sent: list[Array] = []
        for name, leaf in self.leaves(p).items():
            own = {"g": slopes[name], "state": state[name], "p": leaf, "noise": noise and noise[name], **shared}
            moved[name], told[name], bits = self._run(act, own)
            sent += bits
            spent.add(costs[-1])
            if spent.counts:
                one = jax.tree.map(lambda rows: rows[0], own) if self.family.nodes else own
                given = (one["g"], one["state"], one["p"], hp, t)
                spent.products = max(spent.products, products(self.rule.update, given, self._facts(data, one)))
        charge = self.family.charge(control)
        links = 0.0 if toll is None else toll * sum(self.host.xp.max(each) for each in sent)  # until the last is there
        if self.family.role == "step":
            return self.family.apply(data, p, self.params(moved, p), row), told, charge, links
        answer, values = moved[SOLE], slopes[SOLE]
        if answer.shape != values.shape:
            raise TypeError(f"selection: scores of shape {answer.shape} for values of shape {values.shape}")
        return self.family.apply(data, p, answer, row), told, charge, links

    def _run(self, function: Callable[[Tree, Together], Tree], own: Tree) -> Tree:
        """Carry out what the rule does: at each node, or with all that there is."""
        if self.family.nodes:
            return self.host.at_nodes(function, own)
        return function(own, lambda question, x: question(x))

    def _control(self, told: dict[str, Any], p: Params) -> dict[str, Array]:
        """Collect what the rule asks of the oracle; at nodes, one number of each."""
        asked = self.rule.control(told)
        if not self.family.nodes:
            return asked
        return {name: self.host.xp.reshape(numbers, p.shape[:1]) for name, numbers in asked.items()}

    def _spread(self, data: Data, p: Params, slopes: Mapping[str, Array]) -> Array:
        """Return the noise as a rule sees it, an array of one number; at nodes with a row for each."""
        xp = self.host.xp
        spread = xp.asarray(self.family.spread(data, p), dtype=next(iter(slopes.values())).dtype)
        return xp.broadcast_to(spread, p.shape[:1])[:, None] if self.family.nodes else spread

    def _facts(self, data: Data, own: Tree) -> dict[str, Any]:
        """Gather what a rule may know for nothing; what takes work is a function that is called when it is asked.

        Arrays have the type of the gradient, so that no rule leaves the precision of its family by asking.
        """
        xp, slopes = self.host.xp, own["slopes"].values()
        return {
            "value": own["value"],
            "norm": lambda: xp.sqrt(sum(xp.sum(slope * slope) for slope in slopes)),
            "noise": own["noise"],
            "horizon": data["horizon"],
            "rank": self.family.rank(data),
            "spread": own["spread"],
            "parent": lambda: xp.asarray(self.family.parent(data), dtype=own["g"].dtype),
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
        together: Together,
        messages: list[Callable[[], Array]],
    ) -> dict[str, Callable[[Array], Array]]:
        """Answer what costs calls or bits, of which `messages` takes in those for each entry of the point.

        Selection hears of the offspring that there are, and of no point of its own choice.
        """
        if self.family.role == "selection":
            return {}
        host = self.host

        def slope(x: Array) -> Array:
            return self._asked(data, self.params({SOLE: x}, p), row, control)[1][SOLE]

        def grad(x: Array) -> Array:
            if isinstance(p, Mapping) and not self.whole:
                raise NeedsWhole
            return together(slope, x)

        def mix(x: Array) -> Array:
            if isinstance(p, Mapping) and not self.whole:
                raise NeedsWhole
            return together(lambda rows: host.xp.asarray(self.family.mix(data, rows)), x)

        def numbers(x: Array) -> Array:
            messages.append(lambda: 32 * self._held(x) / leaf.size)
            return mix(x)

        def signs(x: Array) -> Array:
            messages.append(lambda: host.xp.asarray(x.size / leaf.size))
            return mix(host.xp.sign(x))

        return {
            "grad": grad,
            "grads": lambda xs: host.each(grad, xs),
            "hvp": lambda v: host.differentiate(grad, leaf, v),
            "hessian": lambda x: host.jacobian(grad, x),
            "mix": numbers,
            "mix_sign": signs,
        }

    def _held(self, x: Array) -> Array:
        """Return how many numbers a message holds: one that repeats a number is that number."""
        entries = self.host.xp.reshape(x, (-1,))
        return self.host.xp.where(self.host.xp.all(entries == entries[:1]), 1, x.size)
