"""EAG: extragradient with an anchor at the start whose pull fades as one over time.

Source: Yoon and Ryu, "Accelerated algorithms for smooth convex-concave minimax problems with O(1/k^2) rate on squared
gradient norm", ICML 2021, arXiv:2102.07922, EAG-C.
"""

HP = {"lr": (0.125, 1e-4, 100.0, "log")}


def init(xp, p):
    return {"anchor": p}


def update(xp, g, state, p, hp, t, aux):
    pulled = p + (state["anchor"] - p) / (t + 1)
    return pulled - hp["lr"] * aux.grad(pulled - hp["lr"] * g), state
