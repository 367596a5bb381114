"""Gradient restart: go beyond the new point with Nesterov's momentum, which starts anew when it goes uphill.

Source: O'Donoghue and Candès, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15, 2015,
arXiv:1204.3982, gradient scheme.

The proposed move stands for the negative gradient.
"""


def init(xp, p):
    return {"last": p, "age": xp.zeros_like(xp.sum(p))}


def update(xp, g, state, p, hp, t, aux):
    move = g - state["last"]
    uphill = xp.sum((p - g) * move) > 0
    age = xp.where(uphill, xp.zeros_like(state["age"]), state["age"])
    return g + age / (age + 3) * move, {"last": g, "age": age + 1}
