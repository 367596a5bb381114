"""What the parts of a candidate do together, and what they pay."""

from types import SimpleNamespace

import numpy as np
import pytest

from slotforge.solvers.optim.aux import Aux, Spent
from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.rule import load

ALONE = np.zeros(1)
P, G, T = np.array([1.0, 2.0]), np.array([3.0, 5.0]), np.asarray(1.0)


def part(answer, numbers="{}"):
    return load(
        f"HP = {numbers}\n\n\ndef init(xp, p):\n    return {{}}\n\n\n"
        f"def update(xp, g, state, p, hp, t, aux):\n    return {answer}, {{}}"
    )


def stepped(spread=ALONE, **parts):
    rule = Composite(parts={slot: part(answer) for slot, answer in parts.items()})
    state = rule.init(np, P)
    answer, state = rule.update(np, G, state, P, {}, T, SimpleNamespace(spread=spread))
    return answer, rule.control(state)


def test_parts_follow_each_other_as_the_formula_says():
    answer, _ = stepped(transform="g + 1", precondition="g * 2", step="p - g", schedule="g * 0.5", restart="g + 10 * p")
    assert answer == pytest.approx(P + 0.5 * (P - 2 * (G + 1) - P) + 10 * P)


def test_selection_stands_alone():
    assert stepped(selection="-g")[0] == pytest.approx(-G)


def test_the_share_of_the_samples_of_a_node_reaches_the_oracle():
    assert stepped(np.array([4.0]), step="p", sampling="g / 2")[1]["weights"] == pytest.approx([2])


def test_numbers_carry_the_name_of_their_slot_and_parts_see_only_their_own():
    declared = '{"x": (1.0, 0.0, 5.0, "linear")}'
    rule = Composite(parts={"step": part('hp["x"] * p', declared), "transform": part('hp["x"] * g', declared)})
    assert set(rule.numbers) == {"step.x", "transform.x"}
    answer, _ = rule.update(np, G, rule.init(np, P), P, {"step.x": 3.0, "transform.x": 2.0}, T, None)
    assert answer == pytest.approx(3 * P)


def test_questions_are_charged_by_what_they_cost():
    spent, x = Spent(), np.ones((4, 3))
    aux = Aux(spent, {"value": 7.0}, dict.fromkeys(("grad", "grads", "hvp", "hessian", "mix", "mix_sign"), np.sum), x)
    assert aux.value == 7
    assert (spent.calls, spent.rounds, spent.bits) == (0, 0, 0)
    for ask, calls, rounds, bits in (
        (lambda: aux.grad(x), 1, 1, 0),
        (lambda: aux.grads(np.ones((5, 4, 3))), 5, 1, 0),
        (lambda: aux.hvp(x), 2, 2, 0),
        (lambda: aux.hessian(x), 24, 24, 0),
        (lambda: aux.mix(x), 0, 0, 32),
        (lambda: aux.mix(x[:, :1]), 0, 0, 32 / 3),
        (lambda: aux.mix_sign(x), 1, 1, 1),  # the third exchange of a step
    ):
        before = (spent.calls, spent.rounds, spent.bits)
        ask()
        assert np.subtract((spent.calls, spent.rounds, spent.bits), before) == pytest.approx((calls, rounds, bits))
    with pytest.raises(AttributeError, match="aux has no 'loss': it has value"):
        _ = aux.loss
