"""Coin betting: each entry bets a share of what it won against the signs of its gradients; no step length.

Source: Orabona and Tommasi, "Training deep networks without learning rates through coin betting", NIPS 2017,
arXiv:1705.07795, algorithm 2.
"""

HP = {"alpha": (100.0, 1.0, 1e4, "log")}
EPS = 1e-8


def init(xp, p):
    return {
        "start": p,
        "largest": EPS * xp.ones_like(p),
        "length": xp.zeros_like(p),
        "reward": xp.zeros_like(p),
        "sum": xp.zeros_like(p),
    }


def update(xp, g, state, p, hp, t, aux):
    largest = xp.maximum(state["largest"], xp.abs(g))
    length = state["length"] + xp.abs(g)
    reward = xp.maximum(state["reward"] - g * (p - state["start"]), 0.0)
    total = state["sum"] - g
    share = total / (largest * xp.maximum(length + largest, hp["alpha"] * largest))
    told = {"start": state["start"], "largest": largest, "length": length, "reward": reward, "sum": total}
    return state["start"] + share * (largest + reward), told
