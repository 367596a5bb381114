"""signSGD: a step of one length in each entry, against the gradient's sign.

Source: Bernstein et al., "signSGD: compressed optimisation for non-convex problems", ICML 2018, arXiv:1802.04434,
algorithm 1.
"""

HP = {"lr": (1e-3, 1e-6, 10.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return p - hp["lr"] * xp.sign(g), {}
