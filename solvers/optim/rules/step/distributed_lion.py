"""Distributed Lion: each node votes with the sign of its Lion move, and the majority moves all.

Source: Liu et al., "Communication efficient distributed training with distributed Lion", NeurIPS 2024,
arXiv:2404.00438, majority vote.

Decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-6, 1.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (0.01, 1e-3, 0.5, "log"),
    "weight_decay": (1e-2, 1e-6, 1.0, "log"),
}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    move = xp.sign(aux.mix_sign(state["m"] + hp["decay1"] * (g - state["m"])))
    m = state["m"] + hp["decay2"] * (g - state["m"])
    return p - hp["lr"] * (move + hp["weight_decay"] * p), {"m": m}
