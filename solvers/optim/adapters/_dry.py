"""What a rule asks for, learnt from a step on zeros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotforge.solvers.optim.aux import Aux, Spent

Array = Any


def asked(rule: Any, xp: Any, p: Array, hp: Mapping[str, Array], t: Array) -> set[str]:
    """Run one step and return the names of the facts and questions that it used.

    Args:
        p: a point; it and the gradient are read as zeros.
        hp: numbers by "slot.name"; they and t are arrays of the host.
    """
    spent, zero = Spent(), xp.zeros_like(p)
    facts = {
        "value": t, "norm": t, "noise": zero, "horizon": t, "rank": 0, "spread": xp.reshape(t, (1,)),
        "parent": xp.reshape(t, (1,)),
    }  # fmt: skip
    questions = dict.fromkeys(("grad", "grads", "hvp", "mix", "mix_sign"), xp.zeros_like)
    matrix = lambda x: xp.zeros_like(xp.reshape(x, (-1, 1)) * xp.reshape(x, (1, -1)))  # noqa: E731
    aux = Aux(spent, facts, {**questions, "hessian": matrix})
    rule.update(xp, zero, rule.init(xp, p), p, hp, t, aux)
    return spent.asked
