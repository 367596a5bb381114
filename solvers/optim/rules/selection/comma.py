"""Comma: the best of the offspring survives, and the parent never does.

Source: Schwefel, "Numerical optimization of computer models", 1981; on planted optima, Jorritsma, Lengler and Sudholt,
"Comma selection outperforms plus selection on OneMax with randomly planted optima", GECCO 2023, arXiv:2304.09712.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    span = xp.max(g) - xp.min(g) + 1
    return -g - span * aux.parent, {}
