"""What is seen of a rule on probes."""

import pytest

from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.probe import behaviour

ONE = "xp.ones_like(xp.sum(p))"


@pytest.mark.parametrize("slot", builtin.SLOTS)
def test_built_in_rules_of_a_slot_are_told_apart(slot):
    base = {} if slot == "selection" else {"step": builtin.default("step")}
    seen = [
        behaviour(composite(tuple(sorted({**base, slot: source}.items())))) for source in builtin.rules(slot).values()
    ]
    assert len(set(seen)) == len(seen)


def test_the_same_done_otherwise_is_seen_as_the_same(step):
    one = step('return p - hp["lr"] * g, {}')
    other = step('d = -g * hp["lr"]\nreturn d + p, {"unused": p}', 'return {"unused": p}')
    assert behaviour(one) == behaviour(other)


@pytest.mark.parametrize(
    "move",
    [
        "xp.where(xp.sum(g * state['last']) < 0, 0.5 * g, g)",
        "xp.where(aux.value > 1.5 * state['value'], 0.5 * g, g)",
        "xp.clip(g, -8.0, 8.0)",
        "xp.where(t > 100, 0.5 * g, g)",
        "xp.where(t % 50 == 0, 0.0 * g, g)",
    ],
)
def test_a_rule_is_seen_to_act_where_it_acts_rarely(step, move):
    init = "return {'last': xp.zeros_like(p), 'value': xp.full_like(xp.sum(p), 1e9)}"
    state = "{'last': g, 'value': aux.value + xp.zeros_like(state['value'])}"
    rare, plain = (step(f'return p - hp["lr"] * ({by}) / 100, {state}', init) for by in (move, "g"))
    assert behaviour(rare) != behaviour(plain)


@pytest.mark.parametrize(
    ("update", "init"),
    [
        ('return p - hp["lr"] * g, {"batch": state["batch"] + 1}', f'return {{"batch": {ONE}}}'),
        ('return p - hp["lr"] * (g + 0 * aux.grad(p)), {}', "return {}"),
        ('return p - hp["lr"] * (g + 0 * aux.mix(p)), {}', "return {}"),
    ],
)
def test_what_a_rule_asks_for_is_seen_even_where_the_gradient_is_not_used(step, update, init):
    assert behaviour(step(update, init)) != behaviour(step('return p - hp["lr"] * g, {}'))
