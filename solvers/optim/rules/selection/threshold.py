"""Threshold: the best of the offspring survives unless it is worse than the parent by more than a threshold.

Source: Dueck and Scheuer, "Threshold accepting", J. Comput. Phys. 90, 1990.

The threshold shrinks by a constant factor.
"""

HP = {"threshold": (1.0, 0.1, 100.0, "log"), "shrink": (1e-4, 1e-7, 0.1, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return -g - hp["threshold"] * (1 - hp["shrink"]) ** (t - 1) * aux.parent, {}
