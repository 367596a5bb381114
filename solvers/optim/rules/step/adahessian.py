"""AdaHessian: Adam with the diagonal of the Hessian in place of the gradient's square.

Source: Yao et al., "AdaHessian: an adaptive second order optimizer for machine learning", AAAI 2021,
arXiv:2006.00719, algorithm 1.

Without the spatial averaging inside convolution kernels; decays are 1 - beta.
"""

HP = {
    "lr": (0.1, 1e-4, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
}
EPS = 1e-4


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    sign = xp.sign(aux.noise)
    diagonal = sign * aux.hvp(sign)
    m = state["m"] + hp["decay1"] * (g - state["m"])
    v = state["v"] + hp["decay2"] * (diagonal * diagonal - state["v"])
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    square = v / (1 - (1 - hp["decay2"]) ** t)
    return p - hp["lr"] * mean / (xp.sqrt(square) + EPS), {"m": m, "v": v}
