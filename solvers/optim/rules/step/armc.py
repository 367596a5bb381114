"""ARMC: steps in the tangent space of the low-rank estimate, with a threshold on residuals that shrinks geometrically.

Source: Fu, Wang and Wei, "Fast and provable nonconvex robust matrix completion", arXiv:2601.07355; with general
thresholds but no tangent space, Wang and Wei, arXiv:2407.19446.

After the abstract of the first and the method of the second, L goes to the rank-r truncation of
P_T(L + (R - threshold(R))/share), R the residual on what is observed. Our oracle tells only the sub-gradient of the
mean absolute residual in the factors. So we take soft thresholding with a threshold below all residuals, where
R - soft(R) = threshold * sign(R): its projection P_T follows from the sub-gradients of both factors, and 1/share is in
the factor n^2 between a mean over what is observed and a sum over all.
"""

HP = {"threshold": (1.0, 1e-3, 100.0, "log"), "shrink": (0.05, 1e-4, 0.5, "log")}

FLOOR = 1e-12


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    if p.ndim != 3:
        return p - hp["threshold"] * (1 - hp["shrink"]) ** (t - 1) * g, {}
    n, r = p.shape[1], p.shape[2]
    x, y = p[0, ...], p[1, ...]
    ridge = FLOOR * xp.eye(r, dtype=p.dtype)
    step = hp["threshold"] * (1 - hp["shrink"]) ** (t - 1) * n * n
    right = xp.linalg.solve(y.mT @ y + ridge, g[0, ...].mT).mT  # G Y (Y'Y)^-1
    left = xp.linalg.solve(x.mT @ x + ridge, g[1, ...].mT).mT  # G'X (X'X)^-1
    both = xp.linalg.solve(x.mT @ x + ridge, x.mT @ right)  # (X'X)^-1 X'G Y (Y'Y)^-1
    # XY' - step P_T(G) is of rank 2r, with P_T(G) = right Y' + X left' - X both Y'
    q1, r1 = xp.linalg.qr(xp.concat([x, right], axis=1))
    q2, r2 = xp.linalg.qr(xp.concat([y, left], axis=1))
    eye, zero = xp.eye(r, dtype=p.dtype), xp.zeros((r, r), dtype=p.dtype)
    core = xp.concat(
        [xp.concat([eye + step * both, -step * eye], axis=1), xp.concat([-step * eye, zero], axis=1)], axis=0
    )
    u, s, vh = xp.linalg.svd(r1 @ core @ r2.mT)
    root = xp.sqrt(s[:r])
    return xp.stack([(q1 @ u[:, :r]) * root, (q2 @ vh[:r, :].mT) * root]), {}
