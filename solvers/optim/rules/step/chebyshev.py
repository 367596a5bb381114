"""Chebyshev: the semi-iterative method with the polynomials that are smallest between two bounds on the curvature.

Source: Golub and Varga, "Chebyshev semi-iterative methods, successive overrelaxation iterative methods, and second
order Richardson iterative methods", Numer. Math. 3, 1961.
"""

HP = {"curvature": (10.0, 1e-4, 1e5, "log"), "condition": (100.0, 1.1, 1e8, "log")}


def init(xp, p):
    return {"d": xp.zeros_like(p), "rho": xp.zeros_like(xp.sum(p))}


def update(xp, g, state, p, hp, t, aux):
    low = hp["curvature"] / hp["condition"]
    centre, half = (hp["curvature"] + low) / 2, (hp["curvature"] - low) / 2
    rho = xp.where(t == 1, half / centre, 1 / (2 * centre / half - state["rho"]))
    d = xp.where(t == 1, -g / centre, rho * state["rho"] * state["d"] - 2 * rho / half * g)
    return p + d, {"d": d, "rho": rho}
