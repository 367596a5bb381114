"""In which precision a torch optimizer computes, where its arrays are, and what it draws."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .parameters import MEAN, SWAP, parameter

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")


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
