"""Softmax policy gradient: advantages times probabilities, the gradient in the logits.

Source: Sutton, McAllester, Singh and Mansour, "Policy gradient methods for reinforcement learning with function
approximation", NeurIPS 1999; its slow rate, Mei, Xiao, Szepesvari and Schuurmans, ICML 2020, arXiv:2005.06392.

g is the negative of the action values; states count alike, whatever the policy visits.
"""

HP = {"lr": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def softmax(xp, p):
    e = xp.exp(p - xp.max(p, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def update(xp, g, state, p, hp, t, aux):
    policy = softmax(xp, p)
    advantage = xp.sum(policy * g, axis=-1, keepdims=True) - g
    return p + hp["lr"] * policy * advantage, {}
