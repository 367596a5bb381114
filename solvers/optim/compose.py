"""From the slots of a candidate to one rule that hosts run.

The parts of a step, in their order; a part that a candidate does not have is left out, except that a candidate without
a step gets the default one, plain gradient descent, wherever it runs (`builtin.cast`):

    d    = precondition(transform(g))
    next = p + schedule * (step(d) - p)
    p    = restart(next)

`sampling` says at each node of a network, before the next oracle call, which share of the samples it gets. `selection`
stands alone: in families of black boxes it chooses among offspring, and the other parts have nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slotforge.solvers.optim.aux import Aux
from slotforge.solvers.optim.rule import Number, Rule

Array = Any
State = dict[str, Any]

SELECTION = "selection"
CONTROLS = ("batch", "weights")  # keys of a state that speak to the oracle


@dataclass(frozen=True, kw_only=True)
class Composite:
    """The rules of some slots, run as one.

    parts: slot -> rule: either "selection" alone, or "step" with any of the others.
    """

    parts: Mapping[str, Rule]

    @property
    def numbers(self) -> dict[str, Number]:
        """What is tuned, by "slot.name"."""
        return {f"{slot}.{name}": number for slot, rule in self.parts.items() for name, number in rule.numbers.items()}

    @property
    def unsigned(self) -> frozenset[str]:
        """Name what must not be negative, by "slot.name"."""
        return frozenset(f"{slot}.{name}" for slot, rule in self.parts.items() for name in rule.unsigned)

    def init(self, xp: Any, p: Array) -> State:
        """Make the state of all parts."""
        state = {slot: dict(rule.init(xp, p)) for slot, rule in self.parts.items()}
        if "sampling" in state:
            state["sampling"]["weights"] = xp.ones((1,), dtype=p.dtype)
        return state

    def update(
        self, xp: Any, g: Array, state: State, p: Array, hp: Mapping[str, Any], t: Array, aux: Aux
    ) -> tuple[Array, State]:
        """Carry out one step.

        Args:
            g: gradient at p; for selection, the values of parent and offspring.
            hp: values of `numbers`.
            t: number of the step, from 1.

        Returns:
            The next point, or the scores of selection; and the state.
        """
        new = dict(state)

        def part(slot: str, x: Array) -> Array:
            if slot not in self.parts:
                return x
            own = {name.partition(".")[2]: value for name, value in hp.items() if name.startswith(f"{slot}.")}
            answer, told = self.parts[slot].update(xp, x, state[slot], p, own, t, aux)
            new[slot] = dict(told)
            return answer

        if SELECTION in self.parts:
            return part(SELECTION, g), new
        point = part("step", part("precondition", part("transform", g)))
        if "schedule" in self.parts:
            point = p + part("schedule", xp.ones_like(t)) * (point - p)
        point = part("restart", point)
        if "sampling" in self.parts:
            weights = part("sampling", aux.spread)
            new["sampling"]["weights"] = weights
        return point, new

    def where(self, slot: str) -> str:
        """Say where the answer of a part comes from, as "step: line 9: "."""
        return f"{slot}: line {self.parts[slot].line}: " if slot in self.parts else ""

    def control(self, state: State) -> dict[str, Array]:
        """Collect what the parts ask of the next oracle call."""
        return {name: told[name] for told in state.values() for name in CONTROLS if name in told}
