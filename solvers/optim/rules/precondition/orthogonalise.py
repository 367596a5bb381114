"""Orthogonalise: bring all singular values of a matrix near 1 by Newton-Schulz iterations.

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
kellerjordan.github.io/posts/muon.

Of more than two axes, the last two make the matrices; a vector is scaled to norm 1.
"""

FIRST, SECOND, THIRD = 3.4445, -4.7750, 2.0315
EPS = 1e-7


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if g.ndim < 2:
        return g / xp.maximum(xp.sqrt(xp.sum(g * g)), EPS), {}
    tall = g.shape[-2] > g.shape[-1]
    wide = g.mT if tall else g
    wide = wide / xp.maximum(xp.sqrt(xp.sum(wide * wide, axis=(-2, -1), keepdims=True)), EPS)
    for _ in range(5):
        gram = wide @ wide.mT
        wide = FIRST * wide + (SECOND * gram + THIRD * (gram @ gram)) @ wide
    return (wide.mT if tall else wide), {}
