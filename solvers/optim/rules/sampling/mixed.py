"""Mixed: a share of the samples is drawn alike by all nodes, the rest in proportion to noise.

Source: defensive mixtures, Hesterberg, "Weighted average importance sampling and defensive mixture distributions",
Technometrics 37, 1995: the share that is drawn alike bounds what a wrong estimate of noise can cost.
"""

HP = {"share": (0.2, 0.0, 1.0, "linear")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    part = xp.where(g > 0, g, xp.ones_like(g))
    return hp["share"] + (1 - hp["share"]) * part, {}
