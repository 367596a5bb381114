"""Clip elementwise: cut each entry of the gradient to a greatest size.

Source: Mikolov, "Statistical language models based on neural networks", PhD thesis, Brno 2012; under heavy tails,
coordinate-wise clipping of Zhang et al., NeurIPS 2020, arXiv:1912.03194.
"""

HP = {"clip": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    return xp.minimum(xp.maximum(g, -hp["clip"]), hp["clip"]), {}
