"""Average: gradients are taken at the average of the points that steps lead to, not at the last of them.

Source: Tao et al., "Primal averaging: a new gradient evaluation step to attain the optimal individual convergence",
IEEE Trans. Cybern. 50, 2020; after Polyak and Juditsky, SIAM J. Control Optim. 30, 1992.

The last point weighs 1 / t, but no less than `weight`.
"""

HP = {"weight": (0.01, 1e-4, 1.0, "log")}


def init(xp, p):
    return {"last": p}


def update(xp, g, state, p, hp, t, aux):
    last = state["last"] + g - p
    return p + xp.maximum(1 / t, hp["weight"]) * (last - p), {"last": last}
