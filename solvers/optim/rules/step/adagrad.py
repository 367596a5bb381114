"""AdaGrad: gradients over the root of the sum of their squares so far.

Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR
12, 2011, diagonal form.
"""

HP = {"lr": (1e-2, 1e-4, 100.0, "log")}
EPS = 1e-10


def init(xp, p):
    return {"sum": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    total = state["sum"] + g * g
    return p - hp["lr"] * g / (xp.sqrt(total) + EPS), {"sum": total}
