"""AltProj: by turns, the large entries of D - L are taken for outliers, and L is what is left, cut to its rank by SVD.

Source: Netrapalli, Niranjan, Sanghavi, Anandkumar and Jain, "Non-convex robust PCA", NeurIPS 2014, arXiv:1410.7660,
algorithm 1.

p is L and g is L - D. One stage, at the full rank. Thresholds are in units of 1 / sqrt(n), the first a share of the
Frobenius norm of D.
"""

HP = {
    "first": (0.4, 0.02, 20.0, "log"),
    "threshold": (1.0, 0.02, 10.0, "log"),
    "decay": (0.8, 0.1, 0.98, "linear"),
}


def init(xp, p):
    return {"cut": xp.zeros_like(xp.sum(p))}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim != 2:
        return p - g, state
    rank = aux.rank or 1
    scale = (p.shape[0] * p.shape[1]) ** -0.25
    data, rest = p - g, -g
    cut = xp.where(t == 1, hp["first"] * scale * xp.sqrt(xp.sum(data * data)), state["cut"])
    u, s, vh = xp.linalg.svd(xp.where(xp.abs(rest) > cut, p, data), full_matrices=False)
    low = (u[:, :rank] * s[:rank]) @ vh[:rank, :]
    beyond = s[rank] if rank < s.shape[0] else 0 * s[0]
    return low, {"cut": hp["threshold"] * scale * (beyond + hp["decay"] ** t * s[0])}
