"""Centralise: take off the mean of each output's gradient.

Source: Yong et al., "Gradient centralization: a new optimization technique for deep neural networks", ECCV 2020,
arXiv:2004.01461.

Outputs lie along the first axis, as in the authors' program; vectors stay as they are.
"""


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if g.ndim < 2:
        return g, {}
    return g - xp.mean(g, axis=(*range(1, g.ndim),), keepdims=True), {}
