"""D-NSS: gradient tracking in which a node draws samples in proportion to the noise of its gradient.

Source: Chen, Wei and Luo, "Decentralized non-convex stochastic optimization with heterogeneous variance", AAAI 2026,
arXiv:2602.11789.

The numbers of samples are shares of a fixed total.
"""

HP = {"lr": (0.01, 1e-5, 10.0, "log")}


def init(xp, p):
    return {"track": xp.zeros_like(p), "last": xp.zeros_like(p), "weights": xp.ones((1,), dtype=p.dtype)}


def update(xp, g, state, p, hp, t, aux):
    track = aux.mix(state["track"]) + g - state["last"]
    weights = xp.where(aux.spread > 0, aux.spread, xp.ones_like(aux.spread))
    return aux.mix(p - hp["lr"] * track), {"track": track, "last": g, "weights": weights}
