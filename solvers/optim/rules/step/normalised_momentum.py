"""Normalised momentum: a step of one length along the mean of gradients.

Source: Cutkosky and Mehta, "Momentum improves normalized SGD", ICML 2020, arXiv:2002.03305, algorithm 1.

Decay is 1 - beta.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log"), "decay": (0.1, 1e-3, 1.0, "log")}
EPS = 1e-12


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay"] * (g - state["m"])
    return p - hp["lr"] * m / (xp.sqrt(xp.sum(m * m)) + EPS), {"m": m}
