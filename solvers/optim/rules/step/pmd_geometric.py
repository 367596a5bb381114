"""Geometric policy mirror descent: policy mirror descent with steps that grow by a constant factor.

Source: Xiao, "On the convergence rates of policy gradient methods", JMLR 23, 2022, arXiv:2201.07443: a growth of one
over the discount gives a linear rate; Johnson, Pike-Burke and Rebeschini, NeurIPS 2023, arXiv:2302.11381.

The step stops to grow at 1e12, where policies are deterministic.
"""

HP = {"lr": (1.0, 1e-3, 1e3, "log"), "growth": (0.1, 1e-4, 1.0, "log")}

CAP = 27.6  # log(1e12)


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    lr = xp.exp(xp.minimum(xp.log(hp["lr"]) + (t - 1) * xp.log1p(hp["growth"]), CAP + 0 * t))
    q = p - lr * g
    return q - xp.max(q, axis=-1, keepdims=True), {}
