"""Barzilai-Borwein: a step as long as the last change of the point against that of the gradient.

Source: Barzilai and Borwein, "Two-point step size gradient methods", IMA J. Numer. Anal. 8, 1988.

Without positive curvature along the last move, the step has its first length.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log")}


def init(xp, p):
    return {"p": p, "g": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    move, change = p - state["p"], g - state["g"]
    curved = xp.sum(move * change)
    one = xp.ones_like(curved)
    length = xp.where(curved > 0, xp.sum(move * move) / xp.where(curved > 0, curved, one), hp["lr"] * one)
    return p - length * g, {"p": p, "g": g}
