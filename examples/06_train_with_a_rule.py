"""Export one rule file to torch, to optax and to SciPy, and train with what was written, which needs slotforge no more.

`slotforge export signed_momentum.py --as torch --out for_torch.py` is the same as a command. Without exporting, the
same rule is `slotforge.optim.torch(PATH)`, `.optax(PATH)` and `.scipy(PATH)`. torch and optax are optional: pip install
torch optax.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from slotforge.optim import resolve
from slotforge.solvers.optim.export import export

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


def with_torch(found: Any) -> tuple[float, float]:
    """Train a multilayer perceptron, and return its mean squared error before and after."""
    import torch

    torch.manual_seed(0)
    x, y = torch.tensor(X).float(), torch.tensor(Y).float()
    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    stepper = found.Optimizer(model.parameters(), lr=0.05)
    losses = []
    for _ in range(STEPS):
        stepper.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


def with_optax(found: Any) -> tuple[float, float]:
    """Train the same model in jax."""
    import jax
    import jax.numpy as jnp
    import optax

    keys = jax.random.split(jax.random.key(0))
    params: Any = {
        "w": jax.random.normal(keys[0], (2, 32)) / 2, "b": jnp.zeros(32), "v": jax.random.normal(keys[1], (32, 1)) / 6,
    }  # fmt: skip
    chained = optax.chain(optax.clip_by_global_norm(1.0), found.optimizer(lr=0.05))

    def loss(params: Any) -> Any:
        return jnp.mean((jnp.tanh(X @ params["w"] + params["b"]) @ params["v"] - Y) ** 2)

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        updates, state = chained.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    before, state = float(loss(params)), chained.init(params)
    for _ in range(STEPS):
        params, state = step(params, state)
    return before, float(loss(params))


def with_scipy(found: Any) -> tuple[float, float]:
    """Fit a line with an l1 loss."""
    from scipy.optimize import minimize

    wanted = X @ [1.0, -2.0]

    def loss(w: Any) -> float:
        return float(np.mean(np.abs(X @ w - wanted)))

    best = minimize(
        loss,
        np.zeros(2),
        jac=lambda w: X.T @ np.sign(X @ w - wanted) / len(X),
        method=found.method,
        options={"lr": 0.2, "maxiter": STEPS},
    )
    return loss(np.zeros(2)), float(best.fun)


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "signed_momentum.py"
    path.write_text(RULE)
    sys.path.insert(0, folder)
    for name, train in (("torch", with_torch), ("optax", with_optax), ("scipy", with_scipy)):
        export(resolve(path), name, Path(folder) / f"for_{name}.py", {})
        try:
            before, after = train(importlib.import_module(f"for_{name}"))
        except ModuleNotFoundError as error:
            print(f"{name:6} skipped: pip install {error.name}")
            continue
        print(f"{name:6} {before:8.4f} -> {after:.4f}")
        if not after < before / 5:
            raise SystemExit(f"{name} does not train")
