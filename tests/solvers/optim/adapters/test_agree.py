"""Every built-in rule, and each allowed mix of types, does the same in NumPy, torch, optax and SciPy: to 12 digits."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.adapters.scipy import Method
from slotforge.solvers.optim.hygiene import check

SLOTS = ("step", "transform", "precondition", "schedule", "restart")
RULES = [(slot, name) for slot in SLOTS for name in builtin.rules(slot)]
MIXED = {
    "masks as factors": "return p - 0.1 * (g * (g * p > 0) + (g > 0) * (2.0 * g)), {}",
    "a count as a share": "k = xp.sum(g > 0) * xp.ones_like(t)\n    return p - g * (0.3 * k / (1 + k)), {}",
    "sorted downwards": "k = xp.argsort(xp.abs(g), axis=-1, descending=True)\n"
    "    return p - 0.1 * xp.take_along_axis(xp.sort(g, axis=-1, descending=True), k, axis=-1), {}",
    "ranks": "k = (xp.argsort(xp.argsort(g, axis=-1), axis=-1) + 1) * xp.ones_like(g)\n"
    "    return p - 0.01 * g * k ** 0.5, {}",
    "a running count": "k = xp.cumulative_sum(g > 0, axis=-1)\n"
    "    return p - 0.1 * g * (xp.maximum(k, 1) % 3 == 1), {}",
    "places where": "k = xp.where(g > 0, xp.argsort(g, axis=-1), 2)\n"
    "    return p - 0.1 * g / (1 + k * xp.ones_like(g)), {}",
    "noise of a step is one array": "return p - 0.1 * g * xp.sign(aux.noise) * aux.noise / (1 + aux.noise ** 2), {}",
    "and one vector": "return p - 0.01 * xp.sign(aux.noise) * aux.hvp(xp.sign(aux.noise)), {}",
    "and for reductions": "return p - 0.1 * g * xp.sum(aux.noise ** 2) / (9 + xp.sum(xp.abs(aux.noise))), {}",
    "a choice": "return p - 0.1 * xp.where(t > 2, g, xp.where(g > 0, g > 1, g < -1) * g), {}",
}
"""Updates in which truth values and whole numbers meet numbers, in the ways that are allowed."""
MATRIX = (4, 3)
TOLERANCE = 1e-12


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.all(np.isfinite(wanted))
    scale = max(1.0, float(np.max(np.abs(wanted))))
    assert float(np.max(np.abs(found - wanted))) <= TOLERANCE * scale


@pytest.fixture(params=[*RULES, *(("step", name) for name in MIXED)], ids=lambda slot_name: "=".join(slot_name))
def composite(request: pytest.FixtureRequest, compose: Callable[..., Any]) -> Any:
    slot, name = request.param
    if name not in MIXED:
        return compose({slot: builtin.rules(slot)[name]})
    head = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n    "
    source = f'"""{name}."""\n\n\n{head}{MIXED[name]}\n'
    assert check("step", source) is None
    return compose({"step": source})


@pytest.mark.parametrize("foreach", [True, False], ids=["lists", "tensor by tensor"])
@pytest.mark.parametrize("shape", [(12,), MATRIX], ids=["vector", "matrix"])
def test_torch_follows_numpy(
    composite: Any, quadratic: Any, numbers: Any, shape: tuple[int, ...], foreach: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    from slotforge.solvers.optim.adapters._chance import Chance
    from slotforge.solvers.optim.adapters.torch import optimizer

    noise = quadratic.noise()
    monkeypatch.setattr(Chance, "normal", lambda _, x: torch.tensor(noise(x.shape)))
    p = torch.nn.Parameter(torch.tensor(quadratic.start.reshape(shape)))
    hessian = torch.tensor(quadratic.hessian)
    chosen = optimizer(composite, numbers(composite))(
        [p], foreach=foreach, horizon=quadratic.steps, rank=quadratic.rank
    )
    for _ in range(quadratic.steps):
        chosen.step(lambda: p.reshape(-1) @ hessian @ p.reshape(-1) / 2)
    close(p.detach().numpy(), quadratic.run(composite, shape))


def test_torch_makes_new_arrays_where_the_parameters_are(composite: Any, numbers: Any) -> None:
    """The device "meta" stands for one that is no processor; it has no values, of which lists need the norm."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    from slotforge.solvers.optim.adapters.torch import optimizer

    for shape in ((12,), MATRIX):
        p = torch.nn.Parameter(torch.ones(shape, dtype=torch.float64, device="meta"))
        chosen = optimizer(composite, numbers(composite))([p], foreach=False, horizon=3, rank=2)
        for _ in range(3):
            chosen.step(lambda p=p: (p * p).sum() / 2)
        assert {x.device.type for x in chosen.state[p].values() if isinstance(x, torch.Tensor)} <= {"meta"}


def test_optax_follows_numpy(composite: Any, quadratic: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: pip install optax")
    from slotforge.solvers.optim.adapters.optax import transformation

    noise = quadratic.noise()
    monkeypatch.setattr(jax.random, "normal", lambda key, shape, dtype: jnp.asarray(noise(shape)))  # noqa: ARG005
    loss = lambda p: jnp.ravel(p) @ quadratic.hessian @ jnp.ravel(p) / 2  # noqa: E731
    chosen = transformation(composite, numbers(composite))(horizon=quadratic.steps, rank=quadratic.rank)
    p = jnp.asarray(quadratic.start.reshape(MATRIX))
    state = chosen.init(p)
    for _ in range(quadratic.steps):
        g = jnp.reshape(quadratic.hessian @ jnp.ravel(p), MATRIX)
        updates, state = chosen.update(g, state, p, value=loss(p), grad_fn=jax.grad(loss))
        p = optax.apply_updates(p, updates)
    close(np.asarray(p), quadratic.run(composite, MATRIX))


def test_scipy_follows_numpy(composite: Any, quadratic: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, "default_rng", lambda seed: SimpleNamespace(standard_normal=quadratic.noise()))  # noqa: ARG005
    found = scipy.optimize.minimize(
        quadratic.value, quadratic.start, jac=quadratic.grad, hess=lambda x: quadratic.hessian,  # noqa: ARG005
        hessp=lambda x, v: quadratic.hessian @ v, method=Method(composite, numbers(composite)),  # noqa: ARG005
        options={"maxiter": quadratic.steps, "gtol": 0.0, "rank": quadratic.rank},
    )  # fmt: skip
    close(found.x, quadratic.run(composite, quadratic.start.shape))
