"""Damped scaled gradient descent: scaled gradient descent whose Gram matrix is damped by the root of the loss.

Source: Zhang, Fattahi and Zhang, "Preconditioned gradient descent for over-parameterized nonconvex matrix
factorization", NeurIPS 2021, arXiv:2504.09708: damping sqrt(f(X)) for measurements without noise.

The damping has a factor that is tuned, for losses of another normalisation; pairs of factors are as in scaled_gd.
"""

HP = {"lr": (0.5, 1e-3, 10.0, "log"), "damping": (1.0, 1e-3, 100.0, "log")}

FLOOR = 1e-20


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim < 2:
        return p - hp["lr"] * g, {}
    damping = hp["damping"] * xp.sqrt(xp.abs(aux.value)) + FLOOR
    other = xp.flip(p, axis=0) if p.ndim == 3 and p.shape[0] == 2 else p
    gram = other.mT @ other + damping * xp.eye(p.shape[-1], dtype=p.dtype)
    return p - hp["lr"] * xp.linalg.solve(gram, g.mT).mT, {}
