"""Policy optimisation from samples: as `policy`, with values by temporal differences under heavy-tailed rewards.

Each call draws new transitions, `each` of every state and action (2000 in all), and gives minus the Q to which batch TD
converges on them; what a reward pays is blurred by Student noise with index `tail`, of infinite variance below 2. Steps
are limited as in `policy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _mdp
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library, softmax


class TdPolicy(Family):
    """Knobs: states, actions, branches, gamma; each, samples of an action; tail, the index; noise, the scale."""

    name = "td_policy"
    knobs: ClassVar[Knobs] = {
        "states": 50,
        "actions": 5,
        "branches": 5,
        "gamma": 0.9,
        "each": 8,
        "tail": 1.5,
        "noise": 0.1,
    }
    ranges: ClassVar[Mapping[str, Range]] = {
        **_mdp.RANGES,
        "each": whole(1, 10_000),
        "tail": Range(1.01),
        "noise": Range(0.0),
    }
    within = _mdp.WITHIN
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"tail": 2.5}],
        "select": [{"tail": 2.0}, {"gamma": 0.85}],
        "holdout": [{"tail": 1.3}, {"gamma": 0.95}, {"each": 2}, {"states": 100}],
    }
    specialists = ("td_pmd", "policy_mirror_descent")
    goal = 0.05
    budget = 1000
    stride = 4
    random = True

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw a process, solve it, and note what its samples are like."""
        data = _mdp.garnet(knobs, rng)
        successors = np.argsort(-data["chances"], axis=-1)[..., : int(knobs["branches"])].astype(np.int32)
        noise = {"tail": np.asarray(float(knobs["tail"])), "noise": np.asarray(float(knobs["noise"]))}
        return {**data, **noise, "successors": successors, "each": np.asarray(int(knobs["each"]))}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at the uniform policy."""
        return np.zeros(data["rewards"].shape)

    def table(self, data: Data, steps: int, rng: Generator) -> dict[str, Array]:
        """Count for every step how often each successor was drawn, and average the noise of the rewards."""
        each, size = int(data["each"]), (steps, *data["rewards"].shape)
        chances = np.take_along_axis(np.asarray(data["chances"]), np.asarray(data["successors"]), axis=-1)
        counts = rng.multinomial(each, chances, size=size).astype(np.uint16)
        blur = sum(rng.standard_t(float(data["tail"]), size=size) for _ in range(each))
        return {"counts": counts, "blur": float(data["noise"]) / each * blur}

    def oracle(self, data: Data, p: Array, row: Array, control: Control) -> tuple[Array, Array]:
        """Return minus the mean value of the policy and -Q, both as the samples have it."""
        policy, seen = softmax(p), row["counts"] / data["each"]
        rewards = data["rewards"] + row["blur"]
        ways = data["gamma"] * policy[..., None] * seen  # to the few successors: others cost nothing
        v = library(p).linalg.solve(_chain(data["successors"], ways), (policy * rewards).sum(axis=-1))
        q = rewards + data["gamma"] * (seen * v[data["successors"]]).sum(axis=-1)
        return -v.mean(), -q

    def metric(self, data: Data, p: Array) -> Array:
        """Return how much the policy really loses in the worst state."""
        return _mdp.gap(data, p)

    def apply(self, data: Data, p: Array, answer: Array, row: Array) -> Array:
        """Go where the rule says, unless that hardens the policy too fast."""
        return _mdp.soften(p, answer)


def _chain(successors: Array, ways: Array) -> Array:
    """Return the identity less what goes to each of the few successors."""
    states = len(ways)
    at = (np.arange(states)[:, None, None], successors)
    if library(ways) is np:
        chain = np.eye(states)
        np.subtract.at(chain, at, ways)
        return chain
    return jnp.eye(states).at[at].add(-ways)


family = TdPolicy()
