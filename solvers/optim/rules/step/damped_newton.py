"""Damped Newton: a Newton step whose length grows to 1 with the root of the gradient's local norm.

Source: Hanzely, Abdukhakimov and Takáč, "Newton method revisited: global convergence rates up to O(k^-3) for stepsize
schedules and linesearch procedures", 2024, arXiv:2405.18926 (first as "Damped Newton method with near-optimal global
O(k^-3) convergence rate"), stepsize for Lipschitz third derivatives.

Its constants are gathered in one number; a trace of identity keeps a flat Hessian regular.
"""

HP = {"smoothness": (1.0, 1e-4, 1e4, "log")}
EPS = 1e-12


def init(xp, p):
    return {}


def update(xp, g, state, p, hp, t, aux):
    hessian = aux.hessian(p)
    scale = xp.max(xp.abs(hessian)) + EPS
    regular = hessian + EPS * scale * xp.eye(hessian.shape[0], dtype=p.dtype)
    step = xp.reshape(xp.linalg.solve(regular, xp.reshape(g, (-1, 1))), p.shape)
    local = xp.abs(xp.sum(g * step))
    return p - step / (1 + (hp["smoothness"] * local) ** (1 / 3)), {}
