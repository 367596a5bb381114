"""Optimistic: twice the gradient less the last one, a guess of the next.

Source: Popov, Math. Notes 28, 1980; Daskalakis, Ilyas, Syrgkanis and Zeng, ICLR 2018, arXiv:1711.00141.
"""


def init(xp, p):
    return {"last": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    return xp.where(t == 1, g, 2 * g - state["last"]), {"last": g}
