"""Comparing many methods over many problems: mean ranks, whether they differ at all, and which do.

Source: Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Methods by their mean ranks over blocks; 1 is the best.

    ranks: mean rank by method, best first.
    blocks: on how many problems and seeds each method was run.
    p: of Friedman's test that all are equal, as Iman and Davenport correct it.
    distance: Nemenyi's critical difference: mean ranks that are further apart differ.
    """

    ranks: Mapping[str, float]
    blocks: int
    p: float
    distance: float

    def groups(self) -> list[tuple[str, ...]]:
        """List the largest groups of neighbours that cannot be told apart."""
        names = list(self.ranks)
        found: list[tuple[str, ...]] = []
        for start, name in enumerate(names):
            group = tuple(n for n in names[start:] if self.ranks[n] - self.ranks[name] <= self.distance)
            if len(group) > 1 and not any(set(group) <= set(other) for other in found):
                found.append(group)
        return found


def ranking(values: Mapping[str, Sequence[float]]) -> Ranking:
    """Rank methods.

    Args:
        values: for each method one value for each block, in the same order of blocks; lower is better.
    """
    from scipy.stats import rankdata

    table = np.array(list(values.values())).T
    ranks = rankdata(table, axis=1)
    mean = dict(zip(values, ranks.mean(axis=0).tolist(), strict=True))
    return Ranking(
        ranks=dict(sorted(mean.items(), key=lambda item: (item[1], item[0]))),
        blocks=len(table),
        p=_friedman(ranks),
        distance=critical_difference(len(values), len(table)),
    )


def _friedman(ranks: np.ndarray) -> float:
    """Return the p-value of Friedman's test, with ties, after Iman and Davenport (1980)."""
    from scipy.stats import f

    blocks, methods = ranks.shape
    if blocks < 2 or methods < 2:
        return 1.0
    spread = float(((ranks - (methods + 1) / 2) ** 2).sum())
    if spread == 0:
        return 1.0
    between = float(((ranks.mean(axis=0) - (methods + 1) / 2) ** 2).sum())
    chi = blocks**2 * (methods - 1) * between / spread
    rest = blocks * (methods - 1) - chi
    if rest <= 0:
        return 0.0
    return float(f.sf((blocks - 1) * chi / rest, methods - 1, (methods - 1) * (blocks - 1)))


def critical_difference(methods: int, blocks: int) -> float:
    """Return how far mean ranks must be apart to differ, after Nemenyi."""
    from scipy.stats import studentized_range

    if methods < 2:
        return math.inf
    quantile = float(studentized_range.ppf(1 - LEVEL, methods, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * blocks))


def against(control: str, values: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Hold each other method against a control.

    Returns:
        By method: on which share of the blocks it is better, ties counting half, and the two-sided p-value of
        Wilcoxon's signed-rank test, corrected for the number of methods (Holm 1979).
    """
    from scipy.stats import wilcoxon

    base = np.array(values[control])
    raw: dict[str, tuple[float, float]] = {}
    for name in values:
        if name != control:
            gaps = np.array(values[name]) - base
            share = float((gaps < 0).mean() + (gaps == 0).mean() / 2)
            raw[name] = share, float(wilcoxon(gaps, zero_method="zsplit").pvalue) if np.any(gaps) else 1.0
    least, corrected = 0.0, {}
    for place, name in enumerate(sorted(raw, key=lambda n: raw[n][1])):
        share, p = raw[name]
        least = max(least, min(1.0, p * (len(raw) - place)))
        corrected[name] = share, least
    return {name: corrected[name] for name in raw}
