"""Damped Gram: the gradient of a factor times the inverse of a Gram matrix, damped by the root of the loss.

Source: Zhang, Fattahi and Zhang, NeurIPS 2021, arXiv:2504.09708.

Of a pair of factors, stacked, the Gram matrix is the other's; a vector stays as it is.
"""

HP = {"damping": (1.0, 1e-3, 100.0, "log")}

FLOOR = 1e-20


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim < 2:
        return g, {}
    damping = hp["damping"] * xp.sqrt(xp.abs(aux.value)) + FLOOR
    other = xp.flip(p, axis=0) if p.ndim == 3 and p.shape[0] == 2 else p
    gram = other.mT @ other + damping * xp.eye(p.shape[-1], dtype=p.dtype)
    return xp.linalg.solve(gram, g.mT).mT, {}
