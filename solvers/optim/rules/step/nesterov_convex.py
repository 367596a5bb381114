"""Nesterov, convex: accelerated gradient descent with a momentum that grows to 1.

Source: Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", 1983; momentum
(k - 1) / (k + 2) as in Su, Boyd and Candès, JMLR 17, 2016, arXiv:1503.01243.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log")}


def init(xp, p):
    return {"last": p}


def update(xp, g, state, p, hp, t, aux):
    here = p - hp["lr"] * g
    return here + (t - 1) / (t + 2) * (here - state["last"]), {"last": here}
