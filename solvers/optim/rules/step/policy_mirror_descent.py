"""Policy mirror descent: with the KL divergence and a constant step, logits add up action values.

Source: Xiao, "On the convergence rates of policy gradient methods", JMLR 23, 2022, arXiv:2201.07443; Lan, "Policy
mirror descent for reinforcement learning", Math. Program., 2023, arXiv:2102.00135.

In a matrix game this is multiplicative weights. Logits are shifted so that the largest of a row is 0.
"""

HP = {"lr": (1.0, 1e-3, 1e3, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    q = p - hp["lr"] * g
    return q - xp.max(q, axis=-1, keepdims=True), {}
