"""Policy optimisation with exact values: a random decision process, and the logits of a softmax policy.

The oracle gives -Q, so that p - eta g is policy mirror descent; with knob `oracle` 1 it gives the gradient of minus the
mean value instead. With exact values policy iteration, an infinite step, would win in a few calls; so in one step the
logits of a state may move apart by at most 2, or by half of how far apart they already are, and a step that is z times
too long moves only 1/z of that 2. An immense step thus gains nothing, a constant one stays slow, and steps that grow
geometrically (by less than half) are legal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _mdp
from slotforge.solvers.optim.problems._family import FLAG, Array, Control, Data, Family, Knobs, Range
from slotforge.solvers.optim.problems._numerics import library, softmax


class Policy(Family):
    """Knobs: states, actions, branches (successors of an action), gamma; oracle, 0 for values, 1 for the gradient."""

    name = "policy"
    knobs: ClassVar[Knobs] = {"states": 50, "actions": 5, "branches": 5, "gamma": 0.9, "oracle": 0}
    ranges: ClassVar[Mapping[str, Range]] = {**_mdp.RANGES, "oracle": FLAG}
    within = _mdp.WITHIN
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"gamma": 0.95}],
        "select": [{"gamma": 0.8}, {"gamma": 0.97}],
        "holdout": [{"gamma": 0.85}, {"gamma": 0.99}, {"oracle": 1}, {"states": 100, "actions": 10}],
    }
    specialists = ("pmd_geometric", "natural_policy_gradient")
    budget = 500

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw a process and solve it; where the oracle is the gradient, say where runs of the process start."""
        data = _mdp.garnet(knobs, rng)
        states = len(data["rewards"])
        return {**data, "origin": np.full(states, 1 / states)} if knobs["oracle"] else data

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at the uniform policy."""
        return np.zeros(data["rewards"].shape)

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return minus the mean value of the policy, and -Q or the gradient."""
        policy = softmax(p)
        v, q = _mdp.values(data, policy)
        if "origin" not in data:
            return -v.mean(), -q
        visits = library(p).linalg.solve(_mdp.chain(data, policy).mT, data["origin"])
        return -v.mean(), -visits[:, None] * policy * (q - v[:, None])

    def metric(self, data: Data, p: Array) -> Array:
        """Return how much the policy loses in the worst state."""
        return _mdp.gap(data, p)

    def apply(self, data: Data, p: Array, answer: Array, row: None) -> Array:
        """Go where the rule says, unless that hardens the policy too fast."""
        return _mdp.soften(p, answer)


family = Policy()
