"""AdAdaGrad: AdaGrad whose batch grows as soon as noise outweighs the gradient.

Source: Lau, Liu and Kolar, "AdAdaGrad: adaptive batch size schemes for adaptive gradient methods", 2024,
arXiv:2402.11215, norm test.

The variance is that between gradients of successive steps rather than between the samples of a batch, which a rule does
not see.
"""

HP = {
    "lr": (1e-2, 1e-4, 100.0, "log"),
    "eta": (0.5, 0.05, 5.0, "log"),
    "decay": (0.1, 0.01, 0.5, "log"),
}
LARGEST = 64.0
EPS = 1e-10


def init(xp, p):
    zero = xp.zeros_like(xp.sum(p))
    state = {"sum": xp.zeros_like(p), "m": xp.zeros_like(p), "last": xp.zeros_like(p), "variance": zero}
    return {**state, "batch": zero + 1, "before": zero + 1}


def update(xp, g, state, p, hp, t, aux):
    total = state["sum"] + g * g
    m = state["m"] + hp["decay"] * (g - state["m"])
    gap = xp.where(t > 1, g - state["last"], xp.zeros_like(g))
    seen = xp.sum(gap * gap) / (1 / state["batch"] + 1 / state["before"])  # of a batch of size 1
    variance = state["variance"] + hp["decay"] * (seen - state["variance"])
    wanted = variance / (hp["eta"] ** 2 * xp.sum(m * m) + EPS)
    batch = xp.minimum(xp.maximum(wanted, state["batch"]), LARGEST)
    batch = xp.where(hp["decay"] * t > 1, batch, state["batch"])
    told = {"sum": total, "m": m, "last": g, "variance": variance, "batch": batch, "before": state["batch"]}
    return p - hp["lr"] * g / (xp.sqrt(total) + EPS), told
