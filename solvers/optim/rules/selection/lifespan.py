"""Lifespan: the parent survives among its offspring only for some generations.

Source: Schwefel and Rudolph, "Contemporary evolution strategies", ECAL 1995: (mu, kappa, lambda), between comma (1) and
plus (no end).
"""

HP = {"generations": (30.0, 1.0, 1e4, "log")}


def init(xp, p):
    return {"age": xp.zeros_like(xp.sum(p))}


def update(xp, g, state, p, hp, t, aux):
    age = state["age"] + 1
    span = xp.max(g) - xp.min(g) + 1
    scores = -g - xp.where(age >= hp["generations"], span, 0 * span) * aux.parent
    kept = xp.sum(scores * aux.parent) >= xp.max(scores - 3 * span * aux.parent)
    return scores, {"age": xp.where(kept, age, 0 * age)}
