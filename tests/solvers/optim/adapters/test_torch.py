"""A rule as a torch optimizer keeps the promises of torch's optimizers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

MEAN = "HP = {'lr': (0.5, 1e-3, 1.0, 'log')}\ndef init(xp, p):\n    return {'last': p}\n"
SWAP = MEAN + "def update(xp, g, state, p, hp, t, aux):\n    return state['last'], {'last': p - hp['lr'] * g}\n"


@pytest.fixture
def made(compose: Any, numbers: Any) -> Any:
    """Make the class of a built-in step rule, or of a source."""
    from slotforge.solvers.optim.adapters.torch import optimizer

    def make(name: str, **slots: str) -> Any:
        composite = compose({"step": builtin.rules("step").get(name, name), **slots})
        return optimizer(composite, numbers(composite))

    return make


def parameter(*values: float, dtype: Any = None, grad: float | None = 1.0) -> Any:
    p = torch.nn.Parameter(torch.tensor(values, dtype=dtype or torch.float64))
    p.grad = None if grad is None else torch.full_like(p, grad)
    return p


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
def test_bfloat16_keeps_the_mean_of_steps_that_are_too_small_for_it(made: Any, foreach: bool) -> None:
    torch.manual_seed(0)
    step, steps = 2.0**-12, 64
    for stochastic, low, high in ((True, 0.97, 0.999), (False, 1.0, 1.0)):
        p = torch.nn.Parameter(torch.ones(4000, dtype=torch.bfloat16))
        chosen = made("sgd")([p], lr=step, foreach=foreach, stochastic_rounding=stochastic)
        for _ in range(steps):
            p.grad = torch.ones_like(p)
            chosen.step()
        assert p.dtype == torch.bfloat16
        assert low <= p.float().mean().item() <= high
    assert abs((1 - steps * step) - 0.984375) == 0


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("kept", [None, torch.float32, torch.bfloat16])
def test_state_is_kept_in_the_dtype_asked_for_also_over_saving(made: Any, kept: Any, foreach: bool) -> None:
    p = parameter(1.0, 2.0, dtype=torch.bfloat16)
    chosen = made("adam")([p], state_dtype=kept, foreach=foreach)
    chosen.step()
    assert chosen.state[p]["step.m"].dtype == (kept or torch.float32)
    other = made("adam")([p], state_dtype=kept, foreach=foreach)
    other.load_state_dict(chosen.state_dict())
    assert torch.equal(other.state[p]["step.m"], chosen.state[p]["step.m"])
    assert other.state[p]["step.m"].dtype == (kept or torch.float32)


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


def test_rounding_up_and_down_at_random_never_makes_numbers_infinite_or_finite() -> None:
    from slotforge.solvers.optim.adapters._chance import Chance
    from slotforge.solvers.optim.adapters._rounding import store

    chance = Chance(0)
    values = torch.tensor([float("inf"), -float("inf"), float("nan"), 0.0, 1.0])
    for t in range(20):
        into = torch.empty(5, dtype=torch.bfloat16)
        chance.turn(t)
        store(into, values, chance)
        assert into[:2].tolist() == [float("inf"), -float("inf")]
        assert into[2].isnan()
        assert into[3:].tolist() == [0.0, 1.0]


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


def test_new_arrays_are_made_where_the_parameters_are(made: Any) -> None:
    new = ["xp.zeros(2)", "xp.ones(2)", "xp.full((2,), 1.0)", "xp.eye(2)", "xp.arange(2.0)", "xp.linspace(0.0, 1.0, 2)"]
    for one in (*new, "xp.asarray([1.0, 2.0])"):
        source = f"{MEAN}def update(xp, g, state, p, hp, t, aux):\n    return p + {one}, state\n"
        p = torch.nn.Parameter(torch.ones(2, 2, device="meta"))
        p.grad = torch.ones_like(p)
        made(source)([p]).step()


@pytest.fixture
def mesh(monkeypatch: pytest.MonkeyPatch) -> Any:
    distributed = pytest.importorskip("torch.distributed.tensor", reason="this torch has no torch.distributed")
    from torch.distributed.device_mesh import init_device_mesh

    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())
    yield init_device_mesh("cpu", (1,)), distributed
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("rule", ["adam", "lion", "muon", "adamp", "coin_betting", SWAP])
def test_parameters_may_be_dtensors(made: Any, rule: str, foreach: bool, mesh: Any) -> None:
    devices, distributed = mesh
    start, slope = torch.arange(16.0).reshape(4, 4) - 7, torch.arange(16.0).reshape(4, 4).cos()
    ends = []
    for spread in (lambda x: x, lambda x: distributed.distribute_tensor(x, devices, [distributed.Shard(0)])):
        p = torch.nn.Parameter(spread(start.clone()))
        chosen = made(rule)([p], foreach=foreach)
        for _ in range(3):
            p.grad = spread(slope.clone())
            chosen.step()
        ends.append(p)
    torch.testing.assert_close(ends[1].full_tensor(), ends[0], rtol=1e-6, atol=1e-6)


NOISY = "def init(xp, p):\n    return {}\ndef update(xp, g, state, p, hp, t, aux):\n    return p + aux.noise, {}\n"


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize(("rule", "dtype"), [("adam", torch.bfloat16), (NOISY, torch.float64), ("adahessian", None)])
def test_what_is_drawn_follows_from_seed_and_step_alone(made: Any, rule: str, dtype: Any, foreach: bool) -> None:
    def train(chosen: Any, steps: int) -> None:
        params = chosen.param_groups[0]["params"]
        for _ in range(steps):
            torch.rand(())  # what others draw
            chosen.zero_grad()
            chosen.step(lambda: sum(p.square().sum() + p.sum().square() / 200 for p in params))

    def start(seed: int = 0) -> Any:
        params = [torch.nn.Parameter(torch.full((100,), 2.0, dtype=dtype)) for _ in range(2)]
        return made(rule)(params, foreach=foreach, seed=seed)

    one, other, resumed = start(), start(), start()
    train(one, 4)
    train(other, 2)
    resumed.load_state_dict(copy.deepcopy(other.state_dict()))
    for p, q in zip(other.param_groups[0]["params"], resumed.param_groups[0]["params"], strict=True):
        q.data.copy_(p)
    train(resumed, 2)
    first, second = one.param_groups[0]["params"]
    assert all(map(torch.equal, (first, second), resumed.param_groups[0]["params"]))
    assert not torch.equal(first, second)
    another = start(seed=1)
    train(another, 4)
    assert not torch.equal(first, another.param_groups[0]["params"][0])


def test_noise_differs_between_steps(made: Any) -> None:
    p = torch.nn.Parameter(torch.zeros(3))
    chosen, points = made(NOISY)([p]), [p.detach().clone()]
    for _ in range(2):
        p.grad = torch.ones_like(p)
        chosen.step()
        points.append(p.detach().clone())
    assert not torch.allclose(points[1] - points[0], points[2] - points[1])
