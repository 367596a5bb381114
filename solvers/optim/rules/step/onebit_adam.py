"""1-bit Adam: Adam at first; then its squares are frozen, and nodes send each other only signs.

Source: Tang et al., "1-bit Adam: communication efficient large-scale training with Adam's convergence speed", ICML
2021, arXiv:2102.02888, algorithm 1, but with the mean of scales times the mean of signs.

In the paper a node sends signs with a scale of its own, which are averaged as products, and keeps what its own scale
leaves as its error. Here scales and signs are averaged apart, for `mix_sign` sends signs alone, and a node keeps what
the mean scale leaves. Nor is the mean of signs compressed a second time. Decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-5, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
    "warmup": (50.0, 1.0, 1000.0, "log"),
}
EPS = 1e-8


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p), "error": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    warm = t <= hp["warmup"]
    own = state["m"] + hp["decay1"] * (g - state["m"])
    wanted = own + state["error"]
    axes = (*range(1, p.ndim),) if p.ndim > 1 else None
    scale = xp.mean(xp.abs(wanted), axis=axes, keepdims=True) + xp.zeros_like(p)
    mixed = aux.mix(xp.where(warm, own, scale))  # all of the momentum at first, one number later
    m = xp.where(warm, mixed, mixed * aux.mix_sign(wanted))
    error = xp.where(warm, state["error"], wanted - mixed * xp.sign(wanted))
    slope = state["m"] + (m - state["m"]) / hp["decay1"]
    v = xp.where(warm, state["v"] + hp["decay2"] * (slope * slope - state["v"]), state["v"])
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    square = v / (1 - (1 - hp["decay2"]) ** xp.minimum(t, hp["warmup"]))
    return p - hp["lr"] * mean / (xp.sqrt(square) + EPS), {"m": m, "v": v, "error": error}
