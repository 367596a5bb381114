"""Cautious Lion: Lion that moves only where it agrees with the gradient.

Source: Liang et al., "Cautious optimizers: improving training with one line of code", 2024, arXiv:2411.16085.

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
    one = xp.ones_like(p)
    agree = xp.where(move * g > 0, one, 0.0 * one)
    move = move * agree * xp.sum(one) / (xp.sum(agree) + 1)
    return p - hp["lr"] * (move + hp["weight_decay"] * p), {"m": m}
