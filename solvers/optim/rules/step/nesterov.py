"""Nesterov: gradient descent that takes the gradient where its momentum leads.

Source: Nesterov, "Introductory lectures on convex optimization", 2004, constant step scheme III (2.2.11); in the form
of Sutskever et al., ICML 2013, with p as the point ahead.

Decay is 1 - momentum.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log"), "decay": (0.1, 1e-3, 1.0, "log")}


def init(xp, p):
    return {"m": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = (1 - hp["decay"]) * state["m"] + g
    return p - hp["lr"] * (g + (1 - hp["decay"]) * m), {"m": m}
