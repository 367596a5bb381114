"""Cosine: steps shrink along half a cosine over the planned run.

Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, arXiv:1608.03983,
equation (5), one period.
"""

HP = {"floor": (0.0, 0.0, 0.5, "linear")}
PI = 3.141592653589793


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    part = xp.minimum((t - 1) / aux.horizon, xp.ones_like(t))
    return g * (hp["floor"] + (1 - hp["floor"]) * 0.5 * (1 + xp.cos(PI * part))), {}
