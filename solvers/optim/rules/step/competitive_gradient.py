"""Competitive gradient: each player steps as if the other answered to first order.

Source: Vyas, Bullins and Azizzadenesheli, "Competitive gradient optimization", ICML 2023, arXiv:2205.14232; with the
weight equal to lr, Schäfer and Anandkumar, "Competitive gradient descent", NeurIPS 2019, arXiv:1905.12103.

With F = (df/dx, -df/dy) and J the Jacobian of F, the direction d of both papers solves d + weight * J d = F where f is
bilinear (elsewhere J also holds each player's own curvature, which the papers leave out). It is found by GMRES with 8
products J v, so a step costs 17 calls.
"""

HP = {"lr": (1.0, 1e-3, 100.0, "log"), "weight": (1.0, 1e-3, 100.0, "log")}

PRODUCTS = 8
FLOOR = 1e-12
RANK = 1e-6  # what is left of a new vector below this share lies in the span of the others


def init(xp, p):
    return {}


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
    return p - hp["lr"] * answer(xp, g, hp["weight"], aux.hvp), {}
