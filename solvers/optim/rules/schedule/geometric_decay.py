"""Geometric decay: each step is shorter than the last by the same factor.

Source: Goffin, "On convergence rates of subgradient optimization methods", Math. Program. 13, 1977; for sharp
functions, Davis et al., J. Optim. Theory Appl. 179, 2018, arXiv:1803.02461.

The factor is 1 - decay.
"""

HP = {"decay": (0.02, 1e-4, 0.2, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g * (1 - hp["decay"]) ** (t - 1), {}
