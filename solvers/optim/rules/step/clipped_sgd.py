"""Clipped SGD: gradient descent with the gradient cut to a greatest norm.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
arXiv:1211.5063, algorithm 1; under heavy tails, Gorbunov, Danilova and Gasnikov, NeurIPS 2020, arXiv:2005.10785.
"""

HP = {"lr": (1e-2, 1e-5, 100.0, "log"), "clip": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return p - hp["lr"] * g * hp["clip"] / xp.maximum(aux.norm, hp["clip"]), {}
