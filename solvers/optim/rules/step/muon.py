"""Muon: momentum made orthogonal by Newton-Schulz iterations.

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
kellerjordan.github.io/posts/muon.

What is no matrix is moved by Adam, with a step length of its own; decay is 1 - momentum.
"""

HP = {
    "lr": (0.02, 1e-4, 10.0, "log"),
    "decay": (0.05, 0.01, 1.0, "log"),
    "lr_adam": (3e-3, 1e-5, 10.0, "log"),
}
FIRST, SECOND, THIRD = 3.4445, -4.7750, 2.0315
DECAY1, DECAY2 = 0.1, 1e-3
EPS = 1e-7


def init(xp, p):
    if p.ndim == 2:
        return {"m": xp.zeros_like(p)}
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim != 2:
        m = state["m"] + DECAY1 * (g - state["m"])
        v = state["v"] + DECAY2 * (g * g - state["v"])
        move = m / (1 - (1 - DECAY1) ** t) / (xp.sqrt(v / (1 - (1 - DECAY2) ** t)) + EPS)
        return p - hp["lr_adam"] * move, {"m": m, "v": v}
    m = state["m"] + hp["decay"] * (g - state["m"])
    ahead = m + hp["decay"] * (g - m)
    tall = p.shape[0] / p.shape[1] if p.shape[0] > p.shape[1] else 1.0
    return p - hp["lr"] * tall**0.5 * orthogonalise(xp, ahead), {"m": m}


def orthogonalise(xp, x):
    """Bring all singular values near 1."""
    wide = x.mT if x.shape[0] > x.shape[1] else x
    wide = wide / xp.maximum(xp.sqrt(xp.sum(wide * wide)), EPS)
    for _ in range(5):
        gram = wide @ wide.mT
        wide = FIRST * wide + (SECOND * gram + THIRD * (gram @ gram)) @ wide
    return wide.mT if x.shape[0] > x.shape[1] else wide
