"""Inverse square root: steps shrink with the root of time.

Source: Nemirovski et al., "Robust stochastic approximation approach to stochastic programming", SIAM J. Optim. 19,
2009.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g / xp.sqrt(t), {}
