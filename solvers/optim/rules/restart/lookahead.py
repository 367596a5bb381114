"""Lookahead: every few steps, go back to a point between where they began and where they led.

Source: Zhang et al., "Lookahead optimizer: k steps forward, 1 step back", NeurIPS 2019, arXiv:1907.08610, algorithm 1,
k = 5.
"""

HP = {"alpha": (0.5, 0.1, 1.0, "linear")}
STEPS = 5


def init(xp, p):
    return {"slow": p}


def update(xp, g, state, p, hp, t, aux):
    back = t % STEPS < 0.5
    slow = xp.where(back, state["slow"] + hp["alpha"] * (g - state["slow"]), state["slow"])
    return xp.where(back, slow, g), {"slow": slow}
