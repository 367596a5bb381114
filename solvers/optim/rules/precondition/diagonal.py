"""Diagonal: divide by the root of the mean of squares, as RMSProp and Adam do.

Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, Coursera 2012; debiased as in Kingma
and Ba, ICLR 2015, arXiv:1412.6980.

Decay is 1 - beta2.
"""

HP = {"decay": (1e-2, 1e-4, 1.0, "log")}
EPS = 1e-8


def init(xp, p):
    return {"v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    v = state["v"] + hp["decay"] * (g * g - state["v"])
    return g / (xp.sqrt(v / (1 - (1 - hp["decay"]) ** t)) + EPS), {"v": v}
