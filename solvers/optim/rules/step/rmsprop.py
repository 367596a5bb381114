"""RMSProp: gradients over the root of the mean of their squares.

Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, Coursera 2012.

Decay is 1 - the weight of the past.
"""

HP = {"lr": (1e-3, 1e-5, 10.0, "log"), "decay": (0.1, 1e-3, 0.5, "log")}
EPS = 1e-8


def init(xp, p):
    return {"v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    v = state["v"] + hp["decay"] * (g * g - state["v"])
    return p - hp["lr"] * g / (xp.sqrt(v) + EPS), {"v": v}
