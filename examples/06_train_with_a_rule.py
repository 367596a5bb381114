"""Make one rule file an optimizer of torch, of optax and of SciPy.

torch and optax are optional: pip install torch optax.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import slotforge
from slotforge.core.errors import SlotforgeError

RULE = '''"""Signed momentum: a step of fixed length along the sign of the mean gradient, shorter over time.

Written for this example.
"""

HP = {"lr": (0.02, 1e-4, 1.0, "log"), "decay": (0.1, 0.01, 1.0, "log")}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay"] * (g - state["m"])
    return p - hp["lr"] / xp.sqrt(t) * xp.sign(m), {"m": m}
'''

X = np.random.default_rng(0).uniform(-2, 2, (256, 2))
Y = np.sin(X[:, :1]) * X[:, 1:]
STEPS = 300


def with_torch(rule: Path) -> float:
    """Train a multilayer perceptron, and return its mean squared error."""
    optimizer = slotforge.optim.torch(rule)  # first, as it says so if there is no torch
    import torch

    torch.manual_seed(0)
    x, y = torch.tensor(X).float(), torch.tensor(Y).float()
    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    stepper = optimizer(model.parameters(), lr=0.05)
    for _ in range(STEPS):
        stepper.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        stepper.step()
    return loss.item()


def with_optax(rule: Path) -> float:
    """Train the same model in jax."""
    optimizer = slotforge.optim.optax(rule)
    import jax
    import jax.numpy as jnp
    import optax

    keys = jax.random.split(jax.random.key(0))
    params: Any = {
        "w": jax.random.normal(keys[0], (2, 32)) / 2, "b": jnp.zeros(32), "v": jax.random.normal(keys[1], (32, 1)) / 6,
    }  # fmt: skip
    chained = optax.chain(optax.clip_by_global_norm(1.0), optimizer(lr=0.05))

    def loss(params: Any) -> Any:
        return jnp.mean((jnp.tanh(X @ params["w"] + params["b"]) @ params["v"] - Y) ** 2)

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        updates, state = chained.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    state = chained.init(params)
    for _ in range(STEPS):
        params, state = step(params, state)
    return float(loss(params))


def with_scipy(rule: Path) -> float:
    """Fit a line with an l1 loss, and return what is left of the loss."""
    from scipy.optimize import minimize

    wanted = X @ [1.0, -2.0]
    found = minimize(
        lambda w: float(np.mean(np.abs(X @ w - wanted))),
        np.zeros(2),
        jac=lambda w: X.T @ np.sign(X @ w - wanted) / len(X),
        method=slotforge.optim.scipy(rule),
        options={"lr": 0.2, "maxiter": STEPS},
    )
    return float(found.fun)


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "signed_momentum.py"
    path.write_text(RULE)
    for name, train in (("torch", with_torch), ("optax", with_optax), ("scipy", with_scipy)):
        try:
            print(f"{name:6} {train(path):8.4f}")
        except SlotforgeError as error:
            print(f"{name:6} skipped: {error}")
