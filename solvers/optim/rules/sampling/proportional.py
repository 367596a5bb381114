"""Proportional: a node draws in proportion to its noise, which makes the variance of the mean least.

Source: Neyman, J. R. Stat. Soc. 97, 1934; over networks, Chen, Wei and Luo, AAAI 2026, arXiv:2602.11789.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return xp.where(g > 0, g, xp.ones_like(g)), {}
