"""EXAdam: Adam with debiased moments that look at each other, and the gradient itself beside its mean.

Source: Adly, "EXAdam: the power of adaptive cross-moments", 2024, arXiv:2412.20302.

Decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-5, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
}
EPS = 1e-8


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay1"] * (g - state["m"])
    v = state["v"] + hp["decay2"] * (g * g - state["v"])
    left1, left2 = (1 - hp["decay1"]) ** t, (1 - hp["decay2"]) ** t
    mean = (m + g) / (1 - left1) * (1 + v / (v + EPS) * left2)
    square = v / (1 - left2) * (1 + m * m / (m * m + EPS) * left1)
    return p - hp["lr"] * mean / (xp.sqrt(square) + EPS), {"m": m, "v": v}
