"""A rule as a torch optimizer keeps the promises of torch's optimizers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from slotforge.core.errors import UsageError

from .parameters import SWAP, parameter

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")


def test_adam_does_what_torch_does(made: Any) -> None:
    torch.manual_seed(0)
    shapes = [(3, 4), (5,), (), (2, 2, 2)]
    ours = [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in shapes]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    one = made("adam")(ours, lr=0.1)
    other = torch.optim.Adam(theirs, lr=0.1, betas=(0.9, 0.999), eps=1e-8)
    for _ in range(20):
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.sin(3 * q.detach()) + q.detach()
            p.grad = torch.sin(3 * p.detach()) + p.detach()
        one.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)


def test_a_group_has_numbers_of_its_own(made: Any) -> None:
    slow, fast = parameter(1.0), parameter(1.0)
    made("sgd")([{"params": [slow], "lr": 0.25}, {"params": [fast]}], lr=0.5).step()
    assert (slow.item(), fast.item()) == (0.75, 0.5)


def test_a_scheduler_of_torch_changes_the_length_of_steps(made: Any) -> None:
    p = parameter(1.0)
    chosen = made("sgd")([p], lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(chosen, step_size=1, gamma=0.5)
    chosen.step()
    scheduler.step()
    chosen.step()
    assert p.item() == 1.0 - 0.5 - 0.25


@pytest.mark.parametrize("name", ["adam", "muon", "damped_newton"])
@pytest.mark.parametrize("foreach", [True, False])
def test_a_saved_state_goes_on_bit_by_bit(made: Any, name: str, foreach: bool, tmp_path: Any) -> None:
    def model() -> Any:
        torch.manual_seed(1)
        return torch.nn.Linear(4, 3, dtype=torch.float64)

    x = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(5, 4)

    def train(net: Any, chosen: Any, steps: int) -> None:
        for _ in range(steps):
            chosen.step(lambda: net(x).tanh().square().mean() + net.weight.square().mean())

    through = model()
    straight = made(name)(through.parameters(), foreach=foreach)
    train(through, straight, 7)

    halfway = model()
    first = made(name)(halfway.parameters(), foreach=foreach)
    train(halfway, first, 3)
    torch.save({"net": halfway.state_dict(), "state": first.state_dict()}, tmp_path / "saved")
    saved = torch.load(tmp_path / "saved")
    again = model()
    again.load_state_dict(saved["net"])
    second = made(name)(again.parameters(), foreach=foreach)
    second.load_state_dict(saved["state"])
    train(again, second, 4)
    for p, q in zip(through.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_copy_goes_on_alike(made: Any) -> None:
    p = parameter(1.0, 2.0)
    chosen = made("adam")([p])
    chosen.step()
    other = copy.deepcopy(chosen)
    chosen.step()
    (q,) = other.param_groups[0]["params"]
    q.grad = torch.ones_like(q)
    other.step()
    assert torch.equal(p, q)


def test_a_pickle_goes_on_alike(made: Any) -> None:
    p = parameter(1.0, 2.0)
    chosen = made("adam")([p], lr=0.1)
    chosen.step()
    other = pickle.loads(pickle.dumps(chosen))
    chosen.step()
    (q,) = other.param_groups[0]["params"]
    q.grad = torch.ones_like(q)
    other.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("rule", ["adam", "muon", "mkor", "adafisher", "damped_newton"])
def test_empty_parameters_stay_and_harm_nobody(made: Any, rule: str, foreach: bool) -> None:
    def end(*more: Any) -> Any:
        p = parameter(1.0, 2.0)
        chosen = made(rule)([*more, p], foreach=foreach)
        for _ in range(2):
            chosen.step(lambda: (p * p).sum() + sum(one.sum() for one in more))
        return p

    assert torch.equal(end(torch.nn.Parameter(torch.zeros(0)), torch.nn.Parameter(torch.zeros(3, 0))), end())


@pytest.mark.parametrize("foreach", [True, False])
def test_state_of_truth_values_and_places_is_kept_as_it_is(made: Any, foreach: bool) -> None:
    source = """
def init(xp, p):
    return {"b": p > 0, "k": xp.argsort(p, axis=0)}
def update(xp, g, state, p, hp, t, aux):
    b = state["b"] | (g > 0)
    return p - xp.where(b, xp.take(g, state["k"], axis=0), 0.5 * g), {"b": b, "k": xp.argsort(g, axis=0)}
"""
    p = parameter(3.0, -1.0, 2.0)
    chosen = made(source)([p], foreach=foreach)
    for _ in range(3):
        p.grad = p.detach().clone()
        chosen.step()
    assert [chosen.state[p][f"step.{name}"].dtype for name in "bk"] == [torch.bool, torch.int64]
    assert torch.isfinite(p).all()


@pytest.mark.parametrize("foreach", [True, False])
def test_a_rule_may_return_what_its_state_held(made: Any, foreach: bool) -> None:
    p = parameter(4.0)
    chosen = made(SWAP)([p], foreach=foreach)
    found = []
    for _ in range(4):
        chosen.step()
        found.append(p.item())
    assert found == [4.0, 3.5, 3.5, 3.0]


def test_what_rules_cannot_work_on_is_refused(made: Any) -> None:
    p = parameter(1.0)
    chosen = made("sgd")([p])
    with pytest.raises(UsageError, match="complex64: rules work on real numbers"):
        chosen.add_param_group({"params": [torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))]})
    assert len(chosen.param_groups) == 1
    table = torch.nn.Embedding(5, 2, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    chosen.add_param_group({"params": table.parameters()})
    with pytest.raises(UsageError, match="sparse=False"):
        chosen.step()
    assert p.item() == 1.0
    with pytest.raises(UsageError, match="no number 'momentum': this rule has lr"):
        made("sgd")([parameter(1.0)], momentum=0.9)
    with pytest.raises(UsageError, match="must be finite"):
        made("sgd")([parameter(1.0)], lr=float("nan"))


def test_parameters_without_gradient_stay_and_do_not_count_steps(made: Any) -> None:
    p, q = parameter(1.0), parameter(1.0)
    chosen = made("adam")([p, q], lr=0.1)
    q.grad = None
    chosen.step()
    q.grad = torch.ones_like(q)
    chosen.step()
    assert (chosen.state[p]["t"], chosen.state[q]["t"]) == (2, 1)
    assert q.item() == pytest.approx(0.9)


def test_hooks_may_change_what_is_loaded(made: Any) -> None:
    p = parameter(1.0, dtype=torch.bfloat16)
    chosen = made("adam")([p])
    chosen.step()

    def before(_: Any, saved: Any) -> Any:
        changed = copy.deepcopy(saved)
        changed["state"][0]["step.m"].fill_(1 + 2.0**-20)
        return changed

    def after(loaded: Any) -> None:
        loaded.state[p]["step.v"].fill_(7.0)

    chosen.register_load_state_dict_pre_hook(before)
    chosen.register_load_state_dict_post_hook(after)
    chosen.load_state_dict(chosen.state_dict())
    assert (chosen.state[p]["step.m"].item(), chosen.state[p]["step.v"].item()) == (1 + 2.0**-20, 7.0)
