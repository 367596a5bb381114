"""Parameters of torch, and rules that look at them, for tests."""

from __future__ import annotations

from typing import Any

MEAN = "HP = {'lr': (0.5, 1e-3, 1.0, 'log')}\ndef init(xp, p):\n    return {'last': p}\n"
SWAP = MEAN + "def update(xp, g, state, p, hp, t, aux):\n    return state['last'], {'last': p - hp['lr'] * g}\n"


def parameter(*values: float, dtype: Any = None, grad: float | None = 1.0) -> Any:
    import torch

    p = torch.nn.Parameter(torch.tensor(values, dtype=dtype or torch.float64))
    p.grad = None if grad is None else torch.full_like(p, grad)
    return p
