"""Gram: the gradient of a factor times the inverse of a Gram matrix with constant damping.

Source: Tong, Ma and Chi, JMLR 22, 2021, arXiv:2005.08898 (without damping).

Of a pair of factors, stacked, the Gram matrix is the other's; a vector stays as it is.
"""

HP = {"damping": (1e-4, 1e-10, 10.0, "log")}


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim < 2:
        return g, {}
    damping = hp["damping"]
    other = xp.flip(p, axis=0) if p.ndim == 3 and p.shape[0] == 2 else p
    gram = other.mT @ other + damping * xp.eye(p.shape[-1], dtype=p.dtype)
    return xp.linalg.solve(gram, g.mT).mT, {}
