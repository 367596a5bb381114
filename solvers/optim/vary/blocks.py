"""The grammar: what may be made of an expression X, in the words of array programs.

In the templates X is the expression, OLD what the memory held before this step, NEW what it holds after it, and names
in capitals of NUMBERS are new numbers to tune.
"""

from __future__ import annotations

from typing import NamedTuple

from slotforge.solvers.optim.rule import Number


class Block(NamedTuple):
    """A way to build on an expression.

    answer: what takes its place.
    words: what is told of it.
    memory: what the state holds anew; nothing without a memory.
    helper: a function that is needed, of this name.
    of: full arrays, scalars, or both.
    weight: how often it is drawn.
    """

    answer: str
    words: str
    memory: str = ""
    helper: str = ""
    of: str = "full"
    weight: float = 1.0


NUMBERS = {
    "DECAY": Number(default=0.1, low=1e-3, high=1.0, scale="log"),
    "BETA": Number(default=0.9, low=0.0, high=0.999, scale="linear"),
    "CLIP": Number(default=1.0, low=1e-3, high=1e3, scale="log"),
    "WEIGHT": Number(default=1.0, low=0.01, high=100.0, scale="log"),
    "RATE": Number(default=0.02, low=1e-4, high=0.25, scale="log"),
    "POWER": Number(default=0.5, low=0.1, high=2.0, scale="log"),
    "DAMPING": Number(default=1e-3, low=1e-10, high=10.0, scale="log"),
    "STEPS": Number(default=10.0, low=1.0, high=1000.0, scale="log"),
    "PENALTY": Number(default=10.0, low=0.1, high=1000.0, scale="log"),
    "SHARE": Number(default=0.5, low=0.0, high=1.0, scale="linear"),
}

HELPERS = {
    "gram": """
def gram(xp, x, p, damping):
    if p.ndim < 2:
        return x
    square = p.mT @ p + damping * xp.eye(p.shape[-1], dtype=p.dtype)
    return xp.linalg.solve(square, x.mT).mT
"""
}

CARRY = ("OLD", "BETA * OLD", "aux.mix(OLD)")
FEED = (("X", ""), ("DECAY * X", ""), ("DECAY * (X - OLD)", ""), ("X - LAST", "X"))
"""What a memory keeps of itself and what it is fed; LAST is a second memory, of the last value of X."""

SCHEDULES = (
    Block("X * (1 - RATE) ** (t - 1)", "geometric decay of X", of="both", weight=2),
    Block("X * xp.exp(xp.minimum((t - 1) * RATE, 60 * xp.ones_like(t)))", "geometric growth of X", of="both", weight=2),
    Block("X / xp.sqrt(t)", "X over the root of time", of="both"),
    Block("X * t ** (-POWER)", "X with a power of time", of="both"),
    Block("X * xp.minimum(t / STEPS, xp.ones_like(t))", "warmup of X", of="both", weight=0.5),
    Block("X * xp.maximum(1 - (t - 1) / aux.horizon, 0 * t)", "X fading over the run", of="both", weight=0.5),
)

MEMORIES = (
    Block("NEW", "mean of X", "OLD + DECAY * (X - OLD)", weight=2),
    Block("NEW", "momentum of X", "BETA * OLD + X", weight=2),
    Block("X + WEIGHT * (X - OLD)", "X beyond its last value", "X", weight=2),
    Block("2 * X - OLD", "twice X less its last value", "X", weight=2),
    Block("X - OLD", "change of X", "X"),
)

GRADIENT = (
    Block("xp.sign(X)", "sign of X", weight=2),
    Block("X / (aux.norm + 1e-12)", "X over the norm of the gradient"),
    Block("X / (xp.sqrt(xp.sum(X * X)) + 1e-12)", "X with norm 1"),
    Block("X / (xp.sqrt(xp.sum(X * X, axis=-1, keepdims=True)) + 1e-12)", "X with rows of norm 1", weight=0.5),
    Block("X * CLIP / xp.maximum(aux.norm, CLIP)", "X clipped by the norm of the gradient"),
    Block("xp.minimum(xp.maximum(X, -CLIP), CLIP)", "X clipped by entries"),
    Block("X / (xp.sqrt(NEW) + 1e-8)", "X over the root of its mean square", "OLD + DECAY * (X * X - OLD)", weight=2),
    Block("X / (xp.sqrt(NEW) + 1e-10)", "X over the root of its sum of squares", "OLD + X * X"),
    Block("gram(xp, X, p, DAMPING)", "X times the inverse of p'p", helper="gram", weight=3),
    Block("xp.sign(X) * xp.sqrt(xp.abs(X))", "signed root of X", weight=0.5),
    Block("X - xp.mean(X)", "X less its mean", weight=0.5),
    Block("aux.mix(X)", "X mixed with neighbours", weight=3),
    Block("X + RATE * aux.noise", "X with noise", weight=0.3),
    Block("X + RATE * p", "X and a share of p", weight=0.5),
    Block("X * xp.sqrt(xp.abs(aux.value))", "X by the root of the loss", of="both", weight=0.5),
    Block("aux.grad(p - RATE * X)", "gradient after a look along X", weight=0.3),
)

SELECTION = (
    Block("X - PENALTY * aux.parent", "X less a penalty of the parent", weight=2),
    Block("X - (xp.max(X) - xp.min(X) + 1) * aux.parent", "X with the parent last"),
    Block("X + PENALTY * aux.parent", "X with a bonus for the parent", weight=0.5),
    Block("X / (xp.max(xp.abs(X)) + 1e-12)", "X within 1", weight=0.5),
)

SAMPLING = (
    Block("xp.sqrt(xp.abs(X))", "root of X"),
    Block("xp.abs(X) ** POWER", "power of X"),
    Block("SHARE + (1 - SHARE) * X", "X with a constant share"),
    Block("X / (xp.mean(X) + 1e-12)", "X over its mean"),
    Block("X + aux.spread", "X and the noise of the nodes"),
)

BLOCKS = {
    "step": (*GRADIENT, *MEMORIES, *SCHEDULES),
    "transform": (*GRADIENT, *MEMORIES, *SCHEDULES),
    "precondition": (*GRADIENT, *MEMORIES),
    "restart": (*MEMORIES, *GRADIENT[-6:-3], Block("p + SHARE * (X - p)", "part of the way to X", weight=2)),
    "schedule": SCHEDULES,
    "sampling": SAMPLING,
    "selection": (*SELECTION, *(block._replace(of="full") for block in SCHEDULES[:2])),
}

OPERANDS = {
    "step": ("g", "p", "aux.noise", "aux.mix(p)", "aux.mix(g)"),
    "transform": ("g", "p", "aux.noise", "aux.mix(g)"),
    "precondition": ("g", "p"),
    "restart": ("g", "p", "aux.mix(g)"),
    "schedule": (),
    "sampling": ("g", "aux.spread", "xp.ones_like(g)"),
    "selection": ("g", "aux.parent", "g * g"),
}
SCALARS = ("t", "1 / t", "1 / xp.sqrt(t)", "aux.norm", "1 / aux.norm", "xp.sqrt(xp.abs(aux.value))")
