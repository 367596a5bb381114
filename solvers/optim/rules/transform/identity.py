"""Identity: the gradient as it is."""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return g, {}
