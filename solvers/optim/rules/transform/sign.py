"""Sign: keep of each entry of the gradient only its sign.

Source: Bernstein et al., "signSGD: compressed optimisation for non-convex problems", ICML 2018, arXiv:1802.04434.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return xp.sign(g), {}
