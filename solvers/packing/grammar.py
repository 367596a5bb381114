"""What a variation may build a priority of."""

from __future__ import annotations

from slotforge.solvers.policy.vary.grammar import Grammar

grammar = Grammar(
    terms=(
        "item",
        "bins",
        "bins - item",
        "np.max(bins)",
        "item / bins",
        "(bins - item) / np.max(bins)",
        "np.sqrt(bins - item)",
        "np.exp(item - bins)",
        "np.abs(bins - 2 * item)",
        "np.where(bins == item, np.max(bins), 0)",
        "np.where(bins == np.max(bins), np.max(bins), 0)",
    ),
    blocks=(("np.diff(X, prepend=0.0)", 0.5), ("np.where(bins == np.max(bins), N * T, X)", 1.0)),
    returns_scores=True,
)
