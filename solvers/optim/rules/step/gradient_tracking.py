"""Gradient tracking: each node follows its estimate of the mean gradient, which it averages with its neighbours.

Source: Di Lorenzo and Scutari, arXiv:1602.00591; Nedić, Olshevsky and Shi (DIGing), SIAM J. Optim. 27, 2017,
arXiv:1607.03218; in this order of steps, Pu and Nedić, Math. Program., 2021, arXiv:1805.11454.
"""

HP = {"lr": (0.01, 1e-5, 10.0, "log")}


def init(xp, p):
    return {"track": xp.zeros_like(p), "last": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    track = aux.mix(state["track"]) + g - state["last"]
    return aux.mix(p - hp["lr"] * track), {"track": track, "last": g}
