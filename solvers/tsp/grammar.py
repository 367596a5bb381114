"""What a variation may build the score of a city of; the least score is visited."""

from __future__ import annotations

from slotforge.solvers.policy.vary.grammar import Grammar

_AMONG = "distances[np.ix_(unvisited, unvisited)]"

grammar = Grammar(
    terms=(
        "distances[current, unvisited]",
        "distances[destination, unvisited]",
        "distances[current, destination]",
        "distances[unvisited].mean(axis=1)",
        "distances[unvisited].max(axis=1)",
        "distances[current].mean()",
        f"{_AMONG}.mean(axis=1)",
        f"{_AMONG}.std(axis=1)",
        f"{_AMONG}.max(axis=1)",
        f"np.sort({_AMONG}, axis=1)[:, :2].sum(axis=1)",
        f"np.sort({_AMONG}, axis=1)[:, :3].sum(axis=1)",
        f"np.sort({_AMONG}, axis=1)[:, :5].mean(axis=1)",
        "len(unvisited) / len(distances)",
    ),
    returns_scores=False,
)
