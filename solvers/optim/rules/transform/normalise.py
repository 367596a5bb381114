"""Normalise: scale the gradient to norm 1 over all parameters.

Source: Nesterov, "Minimization methods for nonsmooth convex and quasiconvex functions", Matekon 29, 1984; Hazan, Levy
and Shalev-Shwartz, "Beyond convexity", NIPS 2015, arXiv:1507.02030.
"""

EPS = 1e-12


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g / (aux.norm + EPS), {}
