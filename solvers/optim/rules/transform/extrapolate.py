"""Extrapolate: the gradient plus a multiple of its change since a moving average of the last ones.

Source: with the last gradient alone, generalised optimistic methods, Mokhtari, Ozdaglar and Pattathil, AISTATS 2020,
arXiv:1901.08511.
"""

HP = {"weight": (1.0, -1.0, 10.0, "linear"), "memory": (0.0, 0.0, 0.99, "linear")}


def init(xp, p):
    return {"mean": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    mean = xp.where(t == 1, g, state["mean"])
    return g + hp["weight"] * (g - mean), {"mean": hp["memory"] * mean + (1 - hp["memory"]) * g}
