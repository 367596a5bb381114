"""Conjugate gradients: conjugate directions, each with the step that a Hessian-vector product says is best.

Source: Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49, 1952; beyond quadratics, Daniel, SIAM J. Numer. Anal. 4,
1967, with the coefficient of Polak and Ribière, not below 0.

Three calls a step: one gradient, one product. Along a direction without positive curvature the step is lr.
"""

HP = {"lr": (0.1, 1e-5, 10.0, "log")}

FLOOR = 1e-30


def init(xp, p):
    return {"d": xp.zeros_like(p), "last": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    size = xp.sum(state["last"] * state["last"])
    beta = xp.where(t == 1, 0 * size, xp.sum(g * (g - state["last"])) / (size + FLOOR))
    d = -g + xp.maximum(beta, 0 * beta) * state["d"]
    d = xp.where(xp.sum(d * g) < 0, d, -g)
    curvature = xp.sum(d * aux.hvp(d))
    best = xp.where(curvature > 0, -xp.sum(d * g) / (xp.abs(curvature) + FLOOR), hp["lr"])
    return p + best * d, {"d": d, "last": g}
