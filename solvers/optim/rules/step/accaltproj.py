"""AccAltProj: AltProj with the SVD in the tangent space of the last estimate, so that a step costs O(r n^2).

Source: Cai, Cai and Wei, "Accelerated alternating projections for robust principal component analysis", JMLR 20, 2019,
arXiv:1711.05519, without trimming.

p is L and g is L - D. In place of an SVD, the bases of L, which has rank r, come from a random sketch of it, and the
first ones from a sketch of D less its large entries. Thresholds are in units of 1 / sqrt(n), the first a share of the
Frobenius norm of D.
"""

HP = {
    "first": (0.4, 0.02, 20.0, "log"),
    "threshold": (1.0, 0.02, 10.0, "log"),
    "decay": (0.8, 0.1, 0.98, "linear"),
}


def init(xp, p):
    return {"cut": xp.zeros_like(xp.sum(p))}


def orthonormal(xp, x):
    return xp.linalg.qr(x)[0]


def tangent(xp, z, u, v):
    """Project z on the tangent space at u and v: left basis, core of size 2r, right basis."""
    zv, zu = z @ v, z.mT @ u
    core = u.mT @ zv
    q1, r1 = xp.linalg.qr(zv - u @ core)
    q2, r2 = xp.linalg.qr(zu - v @ core.mT)
    middle = xp.concat([xp.concat([core, r2.mT], axis=1), xp.concat([r1, xp.zeros_like(core)], axis=1)], axis=0)
    return xp.concat([u, q1], axis=1), middle, xp.concat([v, q2], axis=1)


def update(xp, g, state, p, hp, t, aux):
    if p.ndim != 2:
        return p - g, state
    rank = aux.rank or 1
    scale = (p.shape[0] * p.shape[1]) ** -0.25
    data, rest = p - g, -g
    cut = xp.where(t == 1, hp["first"] * scale * xp.sqrt(xp.sum(data * data)), state["cut"])
    clean = xp.where(xp.abs(rest) > cut, p, data)
    base = xp.where(t == 1, clean, p)
    v = orthonormal(xp, base.mT @ (base @ orthonormal(xp, base.mT @ aux.noise[:, :rank])))
    u = orthonormal(xp, base @ v)
    v = orthonormal(xp, base.mT @ u)
    left, middle, right = tangent(xp, clean, u, v)
    a, s, bh = xp.linalg.svd(middle)
    low = ((left @ a[:, :rank]) * s[:rank]) @ (bh[:rank, :] @ right.mT)
    return low, {"cut": hp["threshold"] * scale * (s[rank] + hp["decay"] ** t * s[0])}
