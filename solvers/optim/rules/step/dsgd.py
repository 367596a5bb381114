"""Decentralised gradient descent: average with the neighbours, then a step along one's own gradient.

Source: Lian, Zhang, Zhang, Hsieh, Zhang and Liu, "Can decentralized algorithms outperform centralized algorithms?",
NeurIPS 2017, arXiv:1705.09056, algorithm 1.
"""

HP = {"lr": (0.01, 1e-5, 10.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return aux.mix(p) - hp["lr"] * g, {}
