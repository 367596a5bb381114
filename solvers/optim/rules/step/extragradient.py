"""Extragradient: a look ahead, then a step from where one was with the gradient of there.

Source: Korpelevich, "The extragradient method for finding saddle points and other problems", Matekon 12, 1976.

The look may be longer or shorter than the step.
"""

HP = {"lr": (0.1, 1e-4, 100.0, "log"), "look": (1.0, 0.2, 5.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return p - hp["lr"] * aux.grad(p - hp["look"] * hp["lr"] * g), {}
