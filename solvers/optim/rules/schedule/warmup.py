"""Warmup: steps grow linearly to their full length, and keep it.

Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, arXiv:1706.02677, section 2.2.
"""

HP = {"steps": (10.0, 1.0, 1000.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g * xp.minimum(t / hp["steps"], xp.ones_like(t)), {}
