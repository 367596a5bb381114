"""Variance-reduced Halpern: steps that are pulled to the start, with a recursive estimate of the operator.

Source: Cai, Alacaoglu and Diakonikolas, "Variance reduced Halpern iteration for finite-sum monotone inclusions", ICLR
2024, arXiv:2310.02987; the decreasing step for operators that are not cocoercive, Ryu, Yuan and Yin,
arXiv:1905.10899.

The estimate forgets a share in each step, where the paper restarts it at random. With an exact oracle it is the
operator itself, and this is the plain iteration of Halpern, at two calls where one would do. Operators that are
monotone but not cocoercive need a power of about one half or more; the paper instead takes inexact resolvents.
"""

HP = {"lr": (0.1, 1e-4, 100.0, "log"), "power": (0.0, 0.0, 1.0, "linear"), "share": (0.1, 1e-3, 1.0, "log")}


def init(xp, p):
    return {"anchor": p, "last": p, "estimate": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    carried = (1 - hp["share"]) * (state["estimate"] - aux.grad(state["last"]))
    estimate = xp.where(t == 1, g, g + carried)
    pull = 2 / (t + 3)
    new = pull * state["anchor"] + (1 - pull) * p - hp["lr"] / t ** hp["power"] * estimate
    return new, {"anchor": state["anchor"], "last": p, "estimate": estimate}
