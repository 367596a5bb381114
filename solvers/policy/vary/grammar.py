"""What variations are built of: expressions that a domain knows, and ways to build on an expression."""

from __future__ import annotations

from dataclasses import dataclass

BLOCKS = {
    "X + N * T": 4.0,
    "X - N * T": 4.0,
    "N * X": 1.0,
    "X * T": 1.0,
    "X / (N + T)": 1.0,
    "T - X": 0.5,
    "X ** 2": 1.0,
    "np.sqrt(np.abs(X))": 1.0,
    "np.log1p(np.abs(X))": 0.5,
    "np.exp(-N * np.abs(X))": 1.0,
    "np.minimum(X, N * T)": 0.5,
    "np.maximum(X, N * T)": 0.5,
    "np.where(T > N * U, X, X + N * V)": 2.0,
    "X + N * (T < N * U)": 2.0,
    "X - N * (T < N * U)": 2.0,
    "np.where(T > N * U, X, -X)": 0.5,
}


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What a variation may build policies of.

    terms: expressions of the arguments, which go together with one another and with any score.
    blocks: ways to build on an expression besides BLOCKS, with their weights. In a block X is the expression, T, U and
        V are terms, and N is a new number.
    returns_scores: whether what a policy returns is the scores, and not the place of the best one.
    """

    terms: tuple[str, ...]
    blocks: tuple[tuple[str, float], ...] = ()
    returns_scores: bool
