"""Scaled gradient descent: the gradient of a factor times the inverse of the other factor's Gram matrix.

Source: Tong, Ma and Chi, "Accelerating ill-conditioned low-rank matrix estimation via scaled gradient descent",
JMLR 22, 2021, arXiv:2005.08898.

A matrix is the factor X of XX', whose other factor is X; of a pair of factors, stacked, each is the other's; anything
else takes a plain gradient step.
"""

HP = {"lr": (0.5, 1e-3, 10.0, "log")}

FLOOR = 1e-12  # keeps the inverse finite where a factor is zero


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim < 2:
        return p - hp["lr"] * g, {}
    other = xp.flip(p, axis=0) if p.ndim == 3 and p.shape[0] == 2 else p
    gram = other.mT @ other + FLOOR * xp.eye(p.shape[-1], dtype=p.dtype)
    return p - hp["lr"] * xp.linalg.solve(gram, g.mT).mT, {}
