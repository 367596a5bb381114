"""AdAdaGrad: AdaGrad whose batch grows as soon as noise outweighs the gradient.

Source: Lau, Liu and Kolar, "AdAdaGrad: adaptive batch size schemes for adaptive gradient methods", 2024,
arXiv:2402.11215, norm test.

The variance is taken over recent steps rather than over the samples of a batch, which a rule does not see.
"""

HP = {
    "lr": (1e-2, 1e-4, 100.0, "log"),
    "eta": (0.5, 0.05, 5.0, "log"),
    "decay": (0.1, 0.01, 0.5, "log"),
}
LARGEST = 64.0
EPS = 1e-10


def init(xp, p):
    one = xp.ones_like(xp.sum(p))
    return {"sum": xp.zeros_like(p), "m": xp.zeros_like(p), "square": xp.zeros_like(p), "batch": one}


def update(xp, g, state, p, hp, t, aux):
    total = state["sum"] + g * g
    m = state["m"] + hp["decay"] * (g - state["m"])
    square = state["square"] + hp["decay"] * (g * g - state["square"])
    mature = 1 - (1 - hp["decay"]) ** t
    mean = m / mature
    variance = xp.sum(xp.maximum(square / mature - mean * mean, 0.0))
    wanted = state["batch"] * variance / (hp["eta"] ** 2 * xp.sum(mean * mean) + EPS)
    batch = xp.minimum(xp.maximum(wanted, state["batch"]), LARGEST)
    batch = xp.where(hp["decay"] * t > 1, batch, state["batch"])
    moved = p - hp["lr"] * g / (xp.sqrt(total) + EPS)
    return moved, {"sum": total, "m": m, "square": square, "batch": batch}
