"""What a variation may build a priority of."""

from __future__ import annotations

from slotforge.solvers.policy.vary.grammar import Grammar

grammar = Grammar(
    terms=(
        "item",
        "bins",
        "bins - item",
        "np.max(bins)",
        "np.max(bins) - bins",
        "(bins - item) / item",
        "item / bins",
        "bins / np.max(bins)",
        "item / np.max(bins)",
        "(bins == item)",
        "(bins == np.max(bins))",
        "(bins - item) / np.max(bins)",
    ),
    blocks=(("np.diff(X, prepend=0.0)", 0.5), ("np.where(bins > item, -X, X)", 0.5)),
    returns_scores=True,
)
