"""From the defaults, a few changes lead to what the theory recommends: found again by what it computes."""

from __future__ import annotations

from functools import cache

import pytest

from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Request
from slotforge.solvers.optim.builtin import slots
from slotforge.solvers.optim.key import key
from slotforge.solvers.optim.vary import vary
from slotforge.solvers.optim.vary.blocks import HELPERS, NUMBERS
from slotforge.solvers.optim.vary.draft import read
from slotforge.solvers.optim.vary.layout import write

SLOTS = slots()
IDEAS = {
    "momentum": ("transform", 'm = hp["beta"] * state["m"] + g', "m"),
    "sign": ("transform", "", "xp.sign(g)"),
    "clipping": ("transform", "", 'g * hp["clip"] / xp.maximum(aux.norm, hp["clip"])'),
    "normalisation": ("transform", "", "g / (aux.norm + 1e-12)"),
    "decay": ("schedule", "", 'g * (1 - hp["rate"]) ** (t - 1)'),
    "growth": ("schedule", "", 'g * xp.exp(xp.minimum((t - 1) * hp["rate"], 60 * xp.ones_like(t)))'),
    "gram": ("precondition", "", 'gram(xp, g, p, hp["damping"])'),
    "optimistic": ("transform", "m = g", 'g * 2 - state["m"]'),
    "mixing": ("transform", "", "aux.mix(g)"),
    "tracking": ("transform", 'm = aux.mix(state["m"]) + g - state["last"]', "m"),
    "comma": ("selection", "", "-g - (xp.max(-g) - xp.min(-g) + 1) * aux.parent"),
    "second moment": ("precondition", 'm = state["m"] + hp["decay"] * (g * g - state["m"])', "g / (xp.sqrt(m) + 1e-8)"),
}


def rule(body: str, answer: str) -> str:
    """Write the shortest rule with an idea."""
    numbers = {name.lower(): number for name, number in NUMBERS.items() if f'"{name.lower()}"' in body + answer}
    told = {n: (one.default, one.low, one.high, one.scale) for n, one in numbers.items()}
    keys = {"m": "m"} if "m =" in body else {}
    keys |= {"last": "g"} if "last" in body else {}
    init = ", ".join(f'"{name}": xp.zeros_like(p)' for name in keys)
    state = ", ".join(f'"{name}": {value}' for name, value in keys.items())
    helper = HELPERS["gram"] if "gram" in answer else ""
    lines = f"    {body}\n" if body else ""
    return (
        f'"""A."""\nHP = {told!r}\n{helper}\ndef init(xp, p):\n    return {{{init}}}\n'
        f"def update(xp, g, state, p, hp, t, aux):\n{lines}    return {answer}, {{{state}}}\n"
    )


@cache
def drawn(slot: str, number: int) -> str:
    """Draw one of the first generation from the default, once for all ideas of a slot."""
    request = Request(operator="mutate", parents=(Candidate(domain="optim"),), slots=(slot,))
    return key(vary(request, SLOTS, generator("reach", number))[slot])


@pytest.mark.parametrize("name", IDEAS)
def test_an_idea_is_found_from_the_default(name: str) -> None:
    slot, body, answer = IDEAS[name]
    wanted = key(rule(body, answer))
    assert any(drawn(slot, number) == wanted for number in range(600))


def test_writing_a_rule_anew_does_not_change_what_it_computes() -> None:
    for slot, known in SLOTS.items():
        for source in known.variants.values():
            assert len(write(read(slot, source)).splitlines()) > 3
            if "for " not in source:
                assert key(write(read(slot, source))) == key(source)
