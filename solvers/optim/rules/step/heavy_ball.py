"""Heavy ball: gradient descent that keeps a part of its last move.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput. Math. Math. Phys. 4,
1964.

Decay is 1 - momentum.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log"), "decay": (0.1, 1e-3, 1.0, "log")}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = (1 - hp["decay"]) * state["m"] + g
    return p - hp["lr"] * m, {"m": m}
