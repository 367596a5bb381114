"""Nash mirror prox: mirror prox on logits, with a pull of both steps to a reference policy.

Source: Tiapkin, Calandriello, Belomestny, Moulines, Naumov, Rasul, Valko and Menard, "Accelerating Nash learning from
human feedback via mirror prox", arXiv:2505.19731, version 1; without a pull, Nemirovski, SIAM J. Optim. 15, 2004.

The reference is the start; with a constant pull the limit is the equilibrium of the regularised game, so the pull may
fade as a power of time.
"""

HP = {"lr": (0.5, 1e-3, 100.0, "log"), "pull": (1e-2, 1e-8, 1.0, "log"), "power": (0.0, 0.0, 1.0, "linear")}


def init(xp, p):
    return {"reference": p}


def update(xp, g, state, p, hp, t, aux):
    pull = hp["lr"] * hp["pull"] / t ** hp["power"]
    start = p + pull * state["reference"]
    ahead = (start - hp["lr"] * g) / (1 + pull)
    return (start - hp["lr"] * aux.grad(ahead)) / (1 + pull), state
