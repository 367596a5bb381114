"""Natural policy gradient: logits add up advantages, the policy gradient in the metric of Fisher.

Source: Kakade, "A natural policy gradient", NeurIPS 2001; for softmax policies, Agarwal, Kakade, Lee and Mahajan, "On
the theory of policy gradient methods", JMLR 22, 2021, arXiv:1908.00261.

g is the negative of the action values; with exact values the policies are those of mirror descent, for advantages
differ from action values by a number for each state.
"""

HP = {"lr": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def softmax(xp, p):
    e = xp.exp(p - xp.max(p, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def update(xp, g, state, p, hp, t, aux):
    advantage = xp.sum(softmax(xp, p) * g, axis=-1, keepdims=True) - g
    return p + hp["lr"] * advantage, {}
