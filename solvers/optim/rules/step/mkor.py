"""MKOR: momentum behind Kronecker factors whose inverses are kept by rank-one updates.

Source: Mozaffari et al., "MKOR: momentum-enabled Kronecker-factor-based optimizer using rank-1 updates", NeurIPS 2023,
arXiv:2306.01685.

The vectors of the factors are the gradient's leading singular vectors, followed by a power iteration, in place of the
mean layer inputs and outputs, which a rule does not see; the inverse is that of Sherman and Morrison. What is no matrix
is moved by momentum alone. Decays are 1 - gamma and 1 - momentum.
"""

HP = {
    "lr": (1e-2, 1e-5, 10.0, "log"),
    "decay": (0.1, 1e-3, 1.0, "log"),
    "factor_decay": (0.1, 1e-3, 0.5, "log"),
}
LARGEST = 100.0
EPS = 1e-12


def init(xp, p):
    if p.ndim != 2:
        return {"m": xp.zeros_like(p)}
    left, right = (xp.eye(length, dtype=p.dtype) for length in p.shape)
    return {"m": xp.zeros_like(p), "left": left, "right": right, "v": xp.ones_like(p[0, :])}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim != 2:
        m = (1 - hp["decay"]) * state["m"] + g
        return p - hp["lr"] * m, {"m": m}
    u = unit(xp, g @ state["v"] + g @ xp.ones_like(state["v"]) * EPS)
    v = unit(xp, g.mT @ u)
    left = inverse(xp, state["left"], u, hp["factor_decay"])
    right = inverse(xp, state["right"], v, hp["factor_decay"])
    move = left @ g @ right
    move = move * xp.sqrt(xp.sum(g * g)) / (xp.sqrt(xp.sum(move * move)) + EPS)
    m = (1 - hp["decay"]) * state["m"] + move
    return p - hp["lr"] * m, {"m": m, "left": left, "right": right, "v": v}


def unit(xp, x):
    return x / (xp.sqrt(xp.sum(x * x)) + EPS)


def inverse(xp, old, vector, decay):
    """Return the inverse of (1 - decay) times the old factor plus decay times the vector's, and keep it bounded."""
    size = old.shape[0]
    seen = old @ vector
    drop = decay * size / (1 - decay + decay * size * xp.sum(vector * seen))
    new = (old - drop * xp.reshape(seen, (-1, 1)) * xp.reshape(seen, (1, -1))) / (1 - decay)
    share = LARGEST / xp.maximum(xp.max(xp.abs(new)), LARGEST)
    return share * new + (1 - share) * xp.eye(size, dtype=old.dtype)
