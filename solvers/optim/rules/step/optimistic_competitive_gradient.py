"""Optimistic competitive gradient: the competitive direction, corrected by how it changed since the last step.

Source: Vyas, Bullins and Azizzadenesheli, "Competitive gradient optimization", ICML 2023, arXiv:2205.14232, optimistic
variant.

In the form with one direction a step, twice the new less the last; the direction is found as in competitive_gradient,
at 17 calls a step.
"""

HP = {"lr": (0.5, 1e-3, 100.0, "log"), "weight": (1.0, 1e-3, 100.0, "log")}

PRODUCTS = 8
FLOOR = 1e-12
RANK = 1e-6  # what is left of a new vector below this share lies in the span of the others


def init(xp, p):
    return {"last": xp.zeros_like(p)}


def length(xp, x):
    return xp.sqrt(xp.sum(x * x))


def answer(xp, g, weight, hvp):
    """Solve d + weight * J d = g in a Krylov space."""
    v = g / (length(xp, g) + 1e-30)
    basis, images = [], []
    for _ in range(PRODUCTS):
        basis.append(v)
        image = v + weight * hvp(v)
        images.append(image)
        new = image
        for _ in range(2):
            for old in basis:
                new = new - xp.sum(new * old) * old
        size = length(xp, new)
        alive = size > RANK * length(xp, image)
        v = xp.where(alive, new / xp.where(alive, size, xp.ones_like(size)), xp.zeros_like(new))
    columns = xp.stack([xp.reshape(image, (-1,)) for image in images], axis=1)
    square = columns.mT @ columns + FLOOR * xp.eye(PRODUCTS, dtype=g.dtype)
    share = xp.linalg.solve(square, columns.mT @ xp.reshape(g, (-1, 1)))
    directions = xp.stack([xp.reshape(old, (-1,)) for old in basis], axis=1)
    return xp.reshape(directions @ share, g.shape)


def update(xp, g, state, p, hp, t, aux):
    d = answer(xp, g, hp["weight"], aux.hvp)
    change = xp.where(t == 1, xp.zeros_like(d), d - state["last"])
    return p - hp["lr"] * (d + change), {"last": d}
