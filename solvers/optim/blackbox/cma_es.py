"""CMA-ES: points are drawn from a normal law whose covariance learns from the steps that were good.

Source: Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772, with positive weights alone; a restart has a
larger population, Auger and Hansen, CEC 2005.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function

HP = {
    "population": (1.0, 0.75, 10.0, "log"),
    "sigma": (2.0, 0.05, 5.0, "log"),
    "growth": (2.0, 1.0, 4.0, "log"),
}
"""Points of a generation, where 1 is the default for the dimension; deviation at the start; growth by restarts."""
FLAT = 1e-12  # values, and steps, that differ by less are the same
STRETCHED = 1e14  # condition of the covariance at which a search ends
MOST = 10_000  # points of a generation


def search(f: Function, d: int, rng: Generator, hp: Mapping[str, float], attempt: int) -> None:
    """Search until nothing changes any more."""
    first = max(4, round(hp["population"] * (4 + int(3 * np.log(d)))))
    size = round(min(float(MOST), first * hp["growth"] ** min(attempt, MOST)))
    law = Law(mean=rng.uniform(-0.8 * REACH, 0.8 * REACH, d), strategy=Strategy.of(d, size), sigma=hp["sigma"])
    past: list[float] = []
    long = 10 + -(-30 * d // size)
    while True:
        axes, lengths = law.axes()
        steps = (rng.standard_normal((size, d)) * lengths) @ axes.T
        values = f(law.mean + law.sigma * steps)
        order = np.argsort(values)
        law.learn(steps[order[: size // 2]], (axes / lengths) @ axes.T)
        past.append(float(values[order[0]]))
        flat = len(past) > long and np.ptp([*past[-long:], *values]) < FLAT
        tiny = law.sigma * lengths.max() < FLAT * hp["sigma"]
        if flat or tiny or not np.isfinite(law.sigma) or (lengths.max() / lengths.min()) ** 2 > STRETCHED:
            return


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """The constants of the tutorial, table 1.

    weights: of the better half, best first.
    mass: how many points that weighs (mu_eff).
    path_sigma, path, one, many, damping: c_sigma, c_c, c_1, c_mu, d_sigma.
    """

    weights: np.ndarray
    mass: float
    path_sigma: float
    path: float
    one: float
    many: float
    damping: float

    @classmethod
    def of(cls, d: int, size: int) -> Strategy:
        """Return the defaults for a dimension and a population."""
        raw = np.log((size + 1) / 2) - np.log(np.arange(1, size // 2 + 1))
        weights = raw / raw.sum()
        mass = float(1 / (weights**2).sum())
        path_sigma = (mass + 2) / (d + mass + 5)
        one = 2 / ((d + 1.3) ** 2 + mass)
        return cls(
            weights=weights,
            mass=mass,
            path_sigma=path_sigma,
            path=(4 + mass / d) / (d + 4 + 2 * mass / d),
            one=one,
            many=min(1 - one, 2 * (0.25 + mass + 1 / mass - 2) / ((d + 2) ** 2 + mass)),
            damping=1 + 2 * max(0.0, float(np.sqrt((mass - 1) / (d + 1))) - 1) + path_sigma,
        )


@dataclass(kw_only=True)
class Law:
    """The normal law from which points are drawn, and the paths of its mean."""

    mean: np.ndarray
    strategy: Strategy
    sigma: float
    age: int = 0
    covariance: np.ndarray = field(init=False)
    path_sigma: np.ndarray = field(init=False)
    path: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        d = len(self.mean)
        self.covariance, self.path_sigma, self.path = np.eye(d), np.zeros(d), np.zeros(d)

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the principal axes of the covariance as columns, and the deviations along them."""
        squares, axes = np.linalg.eigh(self.covariance)
        return axes, np.sqrt(np.maximum(squares, 1e-300))

    def learn(self, best: np.ndarray, whiten: np.ndarray) -> None:
        """Take in the better half of the steps, best first.

        Args:
            whiten: the inverse root of the covariance.
        """
        s, d = self.strategy, len(self.mean)
        self.age += 1
        move = s.weights @ best
        self.mean = self.mean + self.sigma * move
        self.path_sigma = _faded(self.path_sigma, s.path_sigma, s.mass, whiten @ move)
        usual = np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
        length = np.linalg.norm(self.path_sigma)
        full = np.sqrt(1 - (1 - s.path_sigma) ** (2 * self.age))
        slow = float(length / full < (1.4 + 2 / (d + 1)) * usual)
        self.path = _faded(self.path, s.path, s.mass, slow * move)
        rank_one = np.outer(self.path, self.path) + (1 - slow) * s.path * (2 - s.path) * self.covariance
        rank_many = (best.T * s.weights) @ best
        self.covariance = (1 - s.one - s.many) * self.covariance + s.one * rank_one + s.many * rank_many
        self.sigma *= float(np.exp(min(1.0, s.path_sigma / s.damping * (length / usual - 1))))


def _faded(path: np.ndarray, rate: float, mass: float, move: np.ndarray) -> np.ndarray:
    return np.asarray((1 - rate) * path + np.sqrt(rate * (2 - rate) * mass) * move)
