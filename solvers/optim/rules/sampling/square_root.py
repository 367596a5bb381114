"""Square root: a node draws in proportion to the root of its noise, half way between uniform and proportional.

Source: Bankier, "Power allocations: determining sample sizes for subnational areas", Amer. Statist. 42, 1988.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return xp.where(g > 0, xp.sqrt(xp.abs(g)), xp.ones_like(g)), {}
