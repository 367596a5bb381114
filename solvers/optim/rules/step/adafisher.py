"""AdaFisher: momentum over a diagonal Kronecker estimate of the Fisher information, without a root.

Source: Martins Gomes et al., "AdaFisher: adaptive second order optimization via Fisher information", ICLR 2025,
arXiv:2405.16397.

Diagonal form: the factors of a matrix are the mean squares of the gradient's rows and columns, in place of those of
layer inputs and outputs, which a rule does not see; what is no matrix has a single factor. Decays are 1 - gamma.
"""

HP = {
    "lr": (1e-3, 1e-5, 1.0, "log"),
    "decay1": (0.1, 0.01, 1.0, "log"),
    "decay2": (0.08, 0.01, 0.5, "log"),
    "damping": (1e-3, 1e-4, 1.0, "log"),
}
EPS = 1e-12


def init(xp, p):
    state = {"m": xp.zeros_like(p)}
    if p.ndim == 2:
        zero = xp.zeros_like(p)
        return {**state, "rows": xp.sum(zero, axis=1, keepdims=True), "columns": xp.sum(zero, axis=0, keepdims=True)}
    return {**state, "whole": xp.zeros_like(p)}


def update(xp, g, state, p, hp, t, aux):
    m = state["m"] + hp["decay1"] * (g - state["m"])
    if p.ndim == 2:
        seen = {"rows": xp.mean(g * g, axis=1, keepdims=True), "columns": xp.mean(g * g, axis=0, keepdims=True)}
    else:
        seen = {"whole": g * g}
    factors = {name: state[name] + hp["decay2"] * (new - state[name]) for name, new in seen.items()}
    fisher = xp.ones_like(p)
    for factor in factors.values():
        fisher = fisher * spread(xp, factor)
    mean = m / (1 - (1 - hp["decay1"]) ** t)
    return p - hp["lr"] * mean / (fisher + hp["damping"]), {"m": m, **factors}


def spread(xp, factor):
    """Map a factor onto [0, 1]."""
    low = xp.min(factor)
    return (factor - low) / (xp.max(factor) - low + EPS)
