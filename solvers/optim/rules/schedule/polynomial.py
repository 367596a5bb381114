"""Polynomial: steps shrink with a power of the part of the run that is left.

Source: Chen et al., "DeepLab", 2016, arXiv:1606.00915, "poly" policy.
"""

HP = {"power": (1.0, 0.25, 4.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    left = xp.maximum(1 - (t - 1) / aux.horizon, xp.zeros_like(t))
    return g * left ** hp["power"], {}
