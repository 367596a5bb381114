"""Gradient descent: a step against the gradient.

Source: Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847.
"""

HP = {"lr": (0.01, 1e-5, 100.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return p - hp["lr"] * g, {}
