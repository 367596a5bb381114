"""Lion: the sign of a mean of momentum and gradient.

Source: Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, arXiv:2302.06675, algorithm 2.

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
    move = xp.sign(state["m"] + hp["decay1"] * (g - state["m"]))
    m = state["m"] + hp["decay2"] * (g - state["m"])
    return p - hp["lr"] * (move + hp["weight_decay"] * p), {"m": m}
