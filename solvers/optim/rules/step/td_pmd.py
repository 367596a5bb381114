"""TD-PMD: policy mirror descent on a critic that moves a share of the way to each temporal-difference estimate.

Source: Liu, Li and Wei, "On the convergence of policy mirror descent with temporal difference evaluation",
arXiv:2509.18822; under Markov data, arXiv:2512.24056.

g is an estimate of the negative action values; in the first steps the critic is the mean of all, and the step may
decrease as a power of time.
"""

HP = {"lr": (1.0, 1e-3, 1e3, "log"), "critic": (0.1, 1e-3, 1.0, "log"), "power": (0.0, 0.0, 1.0, "linear")}


def init(xp, p):
    return {"critic": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    share = xp.maximum(hp["critic"], 1 / t)
    critic = state["critic"] + share * (g - state["critic"])
    q = p - hp["lr"] / t ** hp["power"] * critic
    return q - xp.max(q, axis=-1, keepdims=True), {"critic": critic}
