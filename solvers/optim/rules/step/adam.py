"""Adam: the mean of gradients over the root of the mean of their squares.

Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, arXiv:1412.6980, algorithm 1.

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
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    square = v / (1 - (1 - hp["decay2"]) ** t)
    return p - hp["lr"] * mean / (xp.sqrt(square) + EPS), {"m": m, "v": v}
