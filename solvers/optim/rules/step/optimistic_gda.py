"""Optimistic descent-ascent: the gradient is corrected by how it changed since the last step.

Source: Popov, Math. Notes 28, 1980; Daskalakis, Ilyas, Syrgkanis and Zeng, "Training GANs with optimism", ICLR 2018,
arXiv:1711.00141. On logits, optimistic multiplicative weights: Rakhlin and Sridharan, NeurIPS 2013, arXiv:1311.1869;
its last iterate, Daskalakis and Panageas, ITCS 2019, arXiv:1807.04252.

The weight of the correction is 1 in these papers.
"""

HP = {"lr": (0.1, 1e-4, 100.0, "log"), "optimism": (1.0, 0.5, 3.0, "linear")}


def init(xp, p):
    return {"last": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    change = xp.where(t == 1, xp.zeros_like(g), g - state["last"])
    return p - hp["lr"] * (g + hp["optimism"] * change), {"last": g}
