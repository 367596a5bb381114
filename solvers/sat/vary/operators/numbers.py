"""Changes numbers: tunable ones within their ranges, and constants of the code by a factor or by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, with_params
from slotforge.solvers.sat.vary.draw import Change, choose, formatted, rounded, step, uniform
from slotforge.solvers.sat.vary.kinds import Kinds, integer_divisor
from slotforge.solvers.sat.vary.policy import Param, Policy, edited, is_integer, number, where

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Change one tunable number or several, or now and then a constant of the code; None when there is no number."""
    literals = _literals(policy)
    if literals and rng.random() < (0.2 if policy.params else 0.5):
        return _constant(policy, literals, rng)
    if not policy.params:
        return None
    chosen = [param for param in policy.params if rng.random() < 1 / len(policy.params)]
    return tune(policy, chosen or [choose(rng, policy.params)], donors, rng)


def tune(policy: Policy, params: Sequence[Param], donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Give some tunable numbers new values; None when the draw changed none."""
    drawn = {param.name: _value(param, donors, rng) for param in params}
    new = {param.name: drawn[param.name] for param in params if drawn[param.name] != param.value}
    words = ", ".join(f"{name} {value:g}" for name, value in new.items())
    return Change(with_params(policy.source, new), words) if new else None


def _value(param: Param, donors: Sequence[Policy], rng: Generator) -> float:
    """Draw near the present value, from the whole range, or a value that another policy has for this name."""
    known = [other.value for donor in donors for other in donor.params if other.name == param.name]
    literature = [value for value in known if value != param.value]
    how = rng.random()
    if how < 0.2:
        value = uniform(param.low, param.high, rng)
    elif how < 0.3 and literature:
        value = choose(rng, literature)
    else:
        value = step(param.value, param.low, param.high, rng)
        if param.integral and round(value) == param.value:
            value = param.value + choose(rng, (-1, 1))
    return rounded(value, param.low, param.high, param.integral)


def _literals(policy: Policy) -> list[Node]:
    kinds = Kinds(policy)
    return [
        node
        for node in kinds.expressions()
        if node.type == "number_literal" and number(text(node)) is not None and not integer_divisor(node, kinds)
    ]


def _constant(policy: Policy, literals: Sequence[Node], rng: Generator) -> Change:
    """Multiply a constant by 0.5 to 2, or move a small whole one by one."""
    node = choose(rng, literals)
    old = text(node)
    value = number(old) or 0.0
    factor = 2.0 ** rng.uniform(-1.0, 1.0)
    if not is_integer(old):
        new = formatted(value * factor if value else factor, -1e300, 1e300, False)
    elif value > 8:
        new = formatted(value * factor, 1, 1e18, True)
    else:
        new = formatted(value + choose(rng, (-1, 1)), 1 if value == 0 else 0, 1e18, True)
    new += old[len(old.rstrip("uUlL")) :]
    return Change(edited(policy.source, [(node.start_byte, node.end_byte, new)]), f"{new} for {old}{where(node)}")
