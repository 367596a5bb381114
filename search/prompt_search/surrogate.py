"""Which variant to sample next: a step along the gradient of a Gaussian process, from the best one known.

Source: Hu et al. 2024, "Localized Zeroth-Order Prompt Optimization", arXiv:2403.02993. The gradient of the process that
was fitted to the scores gives the direction, the nearest variant that is at hand is taken, and where the gradient is
uncertain, neighbours are explored instead. Its kernel is the neural tangent kernel; here it is the Gaussian one, which
needs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.prompts.tokens import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slotforge.core.prompting import Variant
    from slotforge.search.embeddings import Embedding

    Array = NDArray[np.float64]

NOISE = 0.1  # variance of a score over that of all scores
NEIGHBOURS = 8  # variants around the best one that are looked at
UNCERTAIN = 0.5  # share of its first variance that a slope has left; above it, explore


def features(variants: Sequence[Variant], embedding: Embedding | None) -> Array:
    """Return one row of length 1 for each variant: by embeddings, or by the stems of the words in each section."""
    import numpy as np

    if embedding is not None:
        return embedding.vectors(["\n\n".join(variant.sections.values()) for variant in variants])
    sets = [{(name, word) for name, text in v.sections.items() for word in words(text)} for v in variants]
    column = {token: place for place, token in enumerate(sorted(set().union(*sets)))}
    rows = np.zeros((len(variants), max(1, len(column))))
    for row, tokens in zip(rows, sets, strict=True):
        row[[column[token] for token in tokens]] = len(tokens) ** -0.5
    return rows


@dataclass(frozen=True)
class Surrogate:
    """A Gaussian process through the scores of some rows."""

    rows: Array
    scores: Array

    @property
    def scale(self) -> float:
        """Length over which scores are taken to change: the median distance."""
        import numpy as np

        apart = _distances(self.rows, self.rows)[np.triu_indices(len(self.rows), 1)]
        return float(np.median(apart)) if apart.size and np.median(apart) > 0 else 1.0

    def _solve(self, right: Array) -> Array:
        import numpy as np

        return np.asarray(np.linalg.solve(self._kernel(self.rows) + NOISE * np.eye(len(self.rows)), right), np.float64)

    def _kernel(self, others: Array) -> Array:
        import numpy as np

        squares: Array = np.exp(-0.5 * (_distances(others, self.rows) / self.scale) ** 2)
        return squares

    def gradient(self, at: Array) -> Array:
        """Return the gradient of the mean."""
        import numpy as np

        spread = float(np.std(self.scores)) or 1.0
        weights = self._solve((self.scores - np.mean(self.scores)) / spread)
        slope: Array = self._slopes(at).T @ weights
        return slope

    def _slopes(self, at: Array) -> Array:
        """Differentiate the kernel between a point and each row by the point."""
        slopes: Array = self._kernel(at[None])[0][:, None] * (self.rows - at) / self.scale**2
        return slopes

    def slope_variance(self, at: Array, directions: Array) -> Array:
        """Return what is left of the variance of the slopes in some directions of length 1, as a share in [0, 1]."""
        along = self._slopes(at) @ directions.T
        known: Array = (along * self._solve(along)).sum(axis=0)
        return 1 - known * self.scale**2

    def variance(self, others: Array) -> Array:
        """Return the variance of the score at some rows, as a share of that where nothing is known."""
        kernel = self._kernel(others)
        known: Array = (kernel * self._solve(kernel.T).T).sum(axis=1)
        return 1 - known


def choose(rows: Array, scores: Array, pool: Array) -> int:
    """Return the place of the row of the pool to sample next; the pool is not empty."""
    import numpy as np

    model = Surrogate(rows, scores)
    best = rows[int(np.argmax(scores))]
    away = _distances(best[None], pool)[0]
    near = np.argsort(away, kind="stable")[:NEIGHBOURS]
    step = float(np.median(away[near]))
    directions = (pool[near] - best) / np.maximum(away[near], 1e-12)[:, None]
    slope = model.gradient(best)
    steep = float(np.linalg.norm(slope))
    if steep == 0 or float(np.mean(model.slope_variance(best, directions))) > UNCERTAIN:
        return int(near[int(np.argmax(model.variance(pool[near])))])
    goal = best + step * slope / steep
    return int(np.argmin(_distances(goal[None], pool)[0]))


def _distances(ones: Array, others: Array) -> Array:
    import numpy as np

    squares = (ones**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * ones @ others.T
    distances: Array = np.sqrt(np.maximum(squares, 0))
    return distances
