"""NPG-HM: natural policy gradient with momentum that a Hessian-vector product carries from the last point to this one.

Source: Feng, Wei and Chen, "Global convergence of natural policy gradient with Hessian-aided momentum variance
reduction", J. Sci. Comput., 2024, arXiv:2401.01084.

The Hessian is taken at the present point, not at a random one between the two; g is a natural gradient as it comes from
the oracle, so there is no inner problem.
"""

HP = {"lr": (0.1, 1e-4, 100.0, "log"), "share": (0.1, 1e-3, 1.0, "log")}


def init(xp, p):
    return {"last": xp.zeros_like(p), "m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    moved = xp.where(t == 1, xp.zeros_like(p), p - state["last"])
    carried = state["m"] + aux.hvp(moved)
    m = xp.where(t == 1, g, hp["share"] * g + (1 - hp["share"]) * carried)
    return p - hp["lr"] * m, {"last": p, "m": m}
