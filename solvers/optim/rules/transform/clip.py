"""Clip: cut the gradient to a greatest norm over all parameters.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
arXiv:1211.5063, algorithm 1.
"""

HP = {"clip": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g * hp["clip"] / xp.maximum(aux.norm, hp["clip"]), {}
