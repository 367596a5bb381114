"""AdamW: Adam, with weights that decay apart from the gradient.

Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101, algorithm 2.

Decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-5, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
    "weight_decay": (1e-2, 1e-6, 1.0, "log"),
}
EPS = 1e-8


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay1"] * (g - state["m"])
    v = state["v"] + hp["decay2"] * (g * g - state["v"])
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    square = v / (1 - (1 - hp["decay2"]) ** t)
    move = mean / (xp.sqrt(square) + EPS) + hp["weight_decay"] * p
    return p - hp["lr"] * move, {"m": m, "v": v}
