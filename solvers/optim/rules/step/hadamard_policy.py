"""Hadamard policy gradient: a policy is u squared entry by entry, with u of unit length; u goes along its gradient.

Source: Liu, Chen and Wei, "On the linear convergence of policy gradient under Hadamard parameterization",
arXiv:2305.19575.

In logits: the Riemannian step u + lr * u * advantage, normalised, adds 2 log(1 + lr * advantage). g is the negative of
the action values; states count alike, whatever the policy visits.
"""

HP = {"lr": (0.1, 1e-4, 10.0, "log")}

FLOOR = 1e-6  # where a step goes beyond u = 0


def init(xp, p):
    return {}


def softmax(xp, p):
    e = xp.exp(p - xp.max(p, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def update(xp, g, state, p, hp, t, aux):
    advantage = xp.sum(softmax(xp, p) * g, axis=-1, keepdims=True) - g
    factor = 1 + hp["lr"] * advantage
    q = p + 2 * xp.log(xp.maximum(xp.abs(factor), FLOOR + 0 * factor))
    return q - xp.max(q, axis=-1, keepdims=True), {}
