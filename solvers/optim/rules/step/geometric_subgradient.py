"""Geometric sub-gradient: normalised sub-gradients, with steps that shrink by a constant factor.

Source: Goffin, "On convergence rates of subgradient optimization methods", Math. Program. 13, 1977; for low-rank
matrices, Li, Zhu, So and Vidal, "Nonconvex robust low-rank matrix recovery", SIAM J. Optim. 30, 2020, arXiv:1809.09237.
"""

HP = {"lr": (1.0, 1e-3, 100.0, "log"), "shrink": (0.02, 1e-4, 0.3, "log")}

FLOOR = 1e-30


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    length = hp["lr"] * (1 - hp["shrink"]) ** (t - 1)
    return p - length * g / (xp.sqrt(xp.sum(g * g)) + FLOOR), {}
