"""Softmax Fisher: the gradient in logits over the probabilities, which makes it natural.

Source: Kakade, "A natural policy gradient", NeurIPS 2001; for softmax policies, Agarwal, Kakade, Lee and Mahajan, JMLR
22, 2021, arXiv:1908.00261.

For gradients in logits, not for action values. How often a state is visited is unknown and stays as a factor.
"""

HP = {"floor": (1e-3, 1e-12, 0.1, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    e = xp.exp(p - xp.max(p, axis=-1, keepdims=True))
    return g / (e / xp.sum(e, axis=-1, keepdims=True) + hp["floor"]), {}
