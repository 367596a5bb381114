"""Geometric growth: each step is longer than the last by the same factor.

Source: Xiao, "On the convergence rates of policy gradient methods", JMLR 23, 2022, arXiv:2201.07443, with
factor 1 / gamma.

The factor is 1 + growth, until steps have grown to 1e26 times their first length.
"""

HP = {"growth": (0.02, 1e-4, 0.25, "log")}
LARGEST = 60.0


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g * xp.exp(xp.minimum((t - 1) * xp.log(1 + hp["growth"]), LARGEST * xp.ones_like(t))), {}
