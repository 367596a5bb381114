"""What a torch optimizer asks its closure: gradients here and elsewhere, Hessian products, for all groups at once."""

from __future__ import annotations

from typing import Any

import pytest

from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin

from .parameters import MEAN, parameter

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")


def test_rules_on_all_parameters_get_gradients_and_hessian_products_from_the_closure(made: Any) -> None:
    p, q = parameter(1.0, 2.0, grad=None), parameter(3.0, grad=None)
    loss = lambda: (p.square().sum() * 2 + q.square().sum() * 5 + p[0] * q[0]) / 2  # noqa: E731
    source = MEAN + (
        "def update(xp, g, state, p, hp, t, aux):\n"
        "    return p - (aux.hvp(p) - g) - (aux.hessian(0.0 * p) @ p - g) - (aux.grad(2.0 * p) - 2.0 * g), state\n"
    )
    made(source)([p, q]).step(loss)
    assert p.tolist() == [1.0, 2.0]
    assert q.tolist() == [3.0]


def test_the_hessian_is_that_of_the_point_asked_for(made: Any) -> None:
    p = parameter(1.0, 2.0)
    source = MEAN + (
        "def update(xp, g, state, p, hp, t, aux):\n    return xp.linalg.diagonal(aux.hessian(3.0 * p)), state\n"
    )
    made(source)([p]).step(lambda: (p**3).sum())
    assert p.tolist() == [18.0, 36.0]


@pytest.mark.parametrize("create_graph", [True, False])
def test_a_closure_may_call_backward_itself(made: Any, create_graph: bool) -> None:
    p = parameter(1.0, 2.0)

    def closure() -> Any:
        loss = (p**4).sum()
        (p.grad,) = torch.autograd.grad(loss, [p], create_graph=create_graph)
        return loss

    chosen = made("adahessian")([p])
    if create_graph:
        assert chosen.step(closure).item() == 17.0
        assert p.grad is not None
        assert not p.grad.requires_grad
    else:
        with pytest.raises(UsageError, match="create_graph=True"):
            chosen.step(closure)


def test_what_a_rule_asks_for_and_does_not_get_is_said(made: Any) -> None:
    p = parameter(1.0)
    with pytest.raises(UsageError, match=r"call step\(closure\)"):
        made("extragradient")([p]).step()
    with pytest.raises(UsageError, match="asks for the loss"):
        made(MEAN + "def update(xp, g, state, p, hp, t, aux):\n    return p - aux.value * g, state")([p]).step()
    with pytest.raises(UsageError, match="horizon=STEPS"):
        made("sgd", schedule=builtin.rules("schedule")["cosine"])([p]).step()
    assert p.item() == 1.0


def test_what_sees_all_parameters_goes_on_where_one_has_no_gradient_in_a_step(made: Any) -> None:
    both, alone = ([parameter(1.0, 2.0, grad=None), parameter(3.0, grad=None)] for _ in range(2))
    ours, theirs = made("adahessian")(both), made("adahessian")(alone)
    for used in ((0, 1), (0,), (1,), (0, 1)):
        ours.step(lambda used=used: sum(both[place].square().sum() for place in used))
        theirs.step(lambda used=used: sum(p.square().sum() * (place in used) for place, p in enumerate(alone)))
    assert [p.tolist() for p in both] == [p.tolist() for p in alone]
    assert ours.state[both[0]]["t"] == 4
    assert ours.state[both[1]] == {"t": 4}


def test_a_single_matrix_stays_one_for_rules_that_ask_as_well(made: Any) -> None:
    source = MEAN + "def update(xp, g, state, p, hp, t, aux):\n    return p - 0.1 * aux.grad(p) * p.ndim, state\n"
    alone, other = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(1))
    made(source)([alone]).step(lambda: alone.square().sum() / 2)
    assert alone[0, 0].item() == pytest.approx(0.8)
    made(source)([alone, other]).step(lambda: (alone.square().sum() + other.square().sum()) / 2)
    assert other.item() == pytest.approx(0.9)


@pytest.mark.parametrize("foreach", [True, False])
def test_gradients_that_are_there_count_as_with_torch(made: Any, foreach: bool) -> None:
    for ours, chosen in ((True, made("sgd")), (False, torch.optim.SGD)):
        p = parameter(1.0, grad=None)
        stepper = chosen([p], lr=0.25, **({"foreach": foreach} if ours else {}))

        def closure(p: Any = p) -> Any:
            loss = p.sum()
            loss.backward()
            return loss

        p.sum().backward()
        stepper.step(closure)
        assert p.item() == 0.5
        stepper.zero_grad()
        loss = p.sum()
        loss.backward()
        assert stepper.step(lambda loss=loss: loss.item()) == 0.5
        assert p.item() == 0.25
        assert stepper.step(lambda loss=loss: loss) == 0.5
        assert p.item() == 0.0


def test_gradients_of_zero_are_none_where_the_closure_returns_the_loss(made: Any) -> None:
    p = parameter(1.0, grad=None)
    chosen = made("sgd")([p], lr=0.25)
    p.grad = torch.zeros_like(p)
    chosen.step(lambda: (p * p).sum() / 2)
    assert p.item() == 0.75

    def closure() -> Any:
        chosen.zero_grad(set_to_none=False)
        loss = (p * 0).exp().sum()
        loss.backward()
        return loss

    assert chosen.step(closure) == 1.0
    assert p.item() == 0.75
    wanted = made("adahessian")([p], lr=0.25)
    p.grad = torch.zeros_like(p)
    wanted.step(lambda: (p**4).sum())
    assert p.item() < 0.75


def test_gradients_that_a_step_takes_itself_run_hooks_and_are_not_left(made: Any) -> None:
    p, q = parameter(1.0, 1.0, grad=None), parameter(1.0, 1.0, grad=None)

    def doubled(x: Any) -> None:
        x.grad.mul_(2.0)

    for x in (p, q):
        x.register_post_accumulate_grad_hook(doubled)
    chosen = made("sgd")([p, q], lr=0.125)
    for _ in range(2):
        chosen.step(lambda: (p + q).sum())
    assert p.tolist() == q.tolist() == [0.5, 0.5]
    assert p.grad is q.grad is None


def test_a_closure_that_evaluates_nothing_has_no_answer_elsewhere(made: Any) -> None:
    p = parameter(1.0)
    with pytest.raises(UsageError, match="evaluate the loss each time"):
        made("extragradient")([p]).step(lambda: 1.0)
    assert (p.item(), p.grad.item()) == (1.0, 1.0)


def test_gradients_elsewhere_are_those_of_the_closure_alone(made: Any) -> None:
    source = MEAN + "def update(xp, g, state, p, hp, t, aux):\n    return aux.grad(p), state\n"
    p = parameter(2.0, grad=5.0)

    def closure() -> Any:
        loss = p.square().sum()
        loss.backward()
        return loss

    made(source)([p]).step(closure)
    assert (p.item(), p.grad.item()) == (4.0, 9.0)


@pytest.mark.parametrize("rule", ["adahessian", "extragradient", "damped_newton"])
def test_groups_of_a_rule_that_asks_move_together(made: Any, rule: str) -> None:
    def end(split: bool) -> list[float]:
        torch.manual_seed(0)
        p, q = parameter(1.0, grad=None), parameter(2.0, grad=None)
        chosen = made(rule)([{"params": [p]}, {"params": [q]}] if split else [p, q])
        for _ in range(3):
            chosen.step(lambda: ((p * q) ** 2).sum() + p.sum())
        return [p.item(), q.item()]

    assert end(True) == end(False)


def test_players_in_groups_of_their_own_find_the_saddle(made: Any) -> None:
    p, q = parameter(1.0, grad=None), parameter(1.0, grad=None)
    chosen = made("extragradient")([{"params": [p]}, {"params": [q]}], lr=0.3)

    def closure() -> Any:
        chosen.zero_grad()
        loss = (p * q).sum()
        loss.backward()
        q.grad.neg_()
        return loss

    for _ in range(200):
        chosen.step(closure)
    assert abs(p.item()) + abs(q.item()) < 1e-3


def test_groups_of_a_rule_that_asks_have_the_same_numbers(made: Any) -> None:
    p, q = parameter(1.0, grad=None), parameter(2.0, grad=None)
    chosen = made("extragradient")([{"params": [p]}, {"params": [q], "lr": 0.5}], lr=0.25)
    with pytest.raises(UsageError, match="'lr' is not the same in all groups"):
        chosen.step(lambda: (p * q).sum())
    assert (p.item(), q.item()) == (1.0, 2.0)


def test_a_parameter_that_is_frozen_for_a_while_stays_and_goes_on(made: Any) -> None:
    for rule in ("adahessian", "extragradient", "damped_newton"):
        p, q = parameter(1.0, 2.0, grad=None), parameter(3.0, grad=None)
        chosen = made(rule)([p, q])
        for frozen in (None, p, q, None):
            before = None if frozen is None else frozen.detach().clone()
            for x in (p, q):
                x.requires_grad_(x is not frozen)
            chosen.step(lambda p=p, q=q: p.square().sum() + q.square().sum())
            assert frozen is None or torch.equal(frozen, before)
        assert [chosen.state[x]["t"] for x in (p, q)] == [4, 4]


def test_a_parameter_cannot_join_a_rule_that_sees_all_as_one(made: Any) -> None:
    p, q = parameter(1.0, 2.0, grad=None), parameter(3.0, grad=None)
    p.requires_grad_(False)
    chosen = made("adahessian")([p, q])
    loss = lambda: p.square().sum() + q.square().sum()  # noqa: E731
    chosen.step(loss)
    p.requires_grad_(True)
    with pytest.raises(UsageError, match="make a new optimizer"):
        chosen.step(loss)
    assert p.tolist() == [1.0, 2.0]
