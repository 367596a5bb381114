"""FRUGAL: Adam on a changing quarter of the entries, signSGD on all others.

Source: Zmushko et al., "FRUGAL: memory-efficient optimization by reducing state overhead for scalable training", ICML
2025, arXiv:2411.07837, with Adam and signSGD.

Entries are drawn one by one; decays are 1 - beta.
"""

HP = {
    "lr": (1e-3, 1e-5, 10.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (1e-3, 1e-4, 0.1, "log"),
    "free": (1.0, 1e-2, 10.0, "log"),
}
PERIOD = 200
QUARTER = 0.6744897501960817  # a quarter of standard normal numbers are above
EPS = 1e-8


def init(xp, p):
    return {"m": xp.zeros_like(p), "v": xp.zeros_like(p), "full": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    age = (t - 1) % PERIOD
    one = xp.ones_like(p)
    drawn = xp.where(aux.noise > QUARTER, one, 0.0 * one)
    full = xp.where(age < 0.5, drawn, state["full"])
    m = xp.where(age < 0.5, 0.0 * g, state["m"])
    v = xp.where(age < 0.5, 0.0 * g, state["v"])
    m = m + hp["decay1"] * (full * g - m)
    v = v + hp["decay2"] * (full * g * g - v)
    mean = m / (1 - (1 - hp["decay1"]) ** (age + 1))
    square = v / (1 - (1 - hp["decay2"]) ** (age + 1))
    move = full * mean / (xp.sqrt(square) + EPS) + (1 - full) * hp["free"] * xp.sign(g)
    return p - hp["lr"] * move, {"m": m, "v": v, "full": full}
