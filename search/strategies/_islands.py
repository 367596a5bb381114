"""An island of FunSearch: programs in clusters of those that cost the same on every instance.

Source: Romera-Paredes et al. 2024, "Mathematical discoveries from program search with large language models",
Nature 625, methods, and the code published with it. Its temperature is one of raw scores; here it is one of
scores divided by their spread, so that it means the same whatever the scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from slotforge.core.types import Trial
from slotforge.search.strategies._common import candidate_of, ranked, ratio_of

Floats = NDArray[np.float64]


@dataclass(kw_only=True)
class Island:
    """A population of its own.

    best: of its programs.
    clusters: programs by their costs on the instances.
    programs: how many there are.
    """

    best: Trial
    clusters: dict[tuple[float, ...], list[Trial]] = field(default_factory=dict)
    programs: int = 0
    _scores: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.register(self.best)

    def register(self, trial: Trial) -> None:
        """Take in a program that was measured in full."""
        signature = tuple(m.cost for m in trial.measurements)
        if signature not in self.clusters:
            self.clusters[signature] = []
            self._scores.append(-np.log(ratio_of(trial)))
        self.clusters[signature].append(trial)
        self.programs += 1
        self.best = ranked([self.best, trial])[0]

    def draw(self, count: int, temperature: float, rng: Generator) -> list[Trial]:
        """Draw clusters of good scores with replacement, and from each a short program; best first, none twice."""
        clusters = list(self.clusters.values())
        chosen = rng.choice(len(clusters), size=min(count, len(clusters)), p=favoured(self._scores, temperature))
        drawn = [_short(clusters[int(place)], rng) for place in chosen]
        return ranked({trial.number: trial for trial in drawn}.values())


def favoured(scores: Sequence[float], temperature: float) -> Floats:
    """Return the probabilities of clusters: a softmax of their scores over their spread; higher is better."""
    values = np.asarray(scores, dtype=np.float64)
    spread = np.ptp(values) or 1.0
    return _softmax(values / (temperature * spread))


def brief(lengths: Sequence[int]) -> Floats:
    """Return the probabilities of the programs of a cluster: the shorter, the likelier."""
    values = np.asarray(lengths, dtype=np.float64)
    return _softmax(-(values - values.min()) / (values.max() + 1e-6))


def _short(programs: Sequence[Trial], rng: Generator) -> Trial:
    lengths = [sum(map(len, candidate_of(trial).slots.values())) for trial in programs]
    return programs[int(rng.choice(len(programs), p=brief(lengths)))]


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
