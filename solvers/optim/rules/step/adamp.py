"""AdamP: Adam without the part of a move that only lengthens scale-invariant weights.

Source: Heo et al., "AdamP: slowing down the slowdown for momentum optimizers on scale-invariant weights", ICLR 2021,
arXiv:2006.08217, algorithm 2.

Channels lie along the first axis, as in the authors' program; decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-5, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
    "weight_decay": (1e-2, 1e-6, 1.0, "log"),
}
DELTA = 0.1
RATIO = 0.1
EPS = 1e-8


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay1"] * (g - state["m"])
    v = state["v"] + hp["decay2"] * (g * g - state["v"])
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    square = v / (1 - (1 - hp["decay2"]) ** t)
    move, ratio = project(xp, p, g, mean / (xp.sqrt(square) + EPS))
    return p - hp["lr"] * (move + ratio * hp["weight_decay"] * p), {"m": m, "v": v}


def project(xp, p, g, move):
    """Take the radial part off where the gradient is orthogonal to the weights: by channel, or else as a whole."""
    if p.ndim < 2:
        return move, 1.0
    rows = xp.reshape(p, (p.shape[0], -1))
    slopes = xp.reshape(g, rows.shape)
    moves = xp.reshape(move, rows.shape)
    size = xp.sum(xp.ones_like(rows), axis=1)
    channel = xp.max(cosine(xp, rows, slopes, 1)) < DELTA / xp.sqrt(size[0])
    layer = xp.max(cosine(xp, rows, slopes, None)) < DELTA / xp.sqrt(xp.sum(size))
    tangent = xp.where(channel, off(xp, rows, moves, 1), xp.where(layer, off(xp, rows, moves, None), moves))
    one = xp.ones_like(size[0])
    return xp.reshape(tangent, p.shape), xp.where(channel, RATIO * one, xp.where(layer, RATIO * one, one))


def cosine(xp, a, b, axis):
    length = norm(xp, a, axis) * norm(xp, b, axis)
    return xp.abs(xp.sum(a * b, axis=axis, keepdims=True)) / (length + EPS)


def off(xp, rows, moves, axis):
    unit = rows / (norm(xp, rows, axis) + EPS)
    return moves - unit * xp.sum(unit * moves, axis=axis, keepdims=True)


def norm(xp, x, axis):
    return xp.sqrt(xp.sum(x * x, axis=axis, keepdims=True))
