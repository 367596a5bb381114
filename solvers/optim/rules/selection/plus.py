"""Plus: the best of parent and offspring survives.

Source: Rechenberg, "Evolutionsstrategie", 1973; (1+lambda)-EA, Jansen, De Jong and Wegener, Evol. Comput. 13, 2005.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return -g, {}
