"""Momentum: the mean of gradients, older ones weighing less.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput. Math. Math. Phys. 4,
1964; debiased as in Kingma and Ba, ICLR 2015, arXiv:1412.6980.

Decay is 1 - beta.
"""

HP = {"decay": (0.1, 1e-3, 1.0, "log")}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay"] * (g - state["m"])
    return m / (1 - (1 - hp["decay"]) ** t), {"m": m}
