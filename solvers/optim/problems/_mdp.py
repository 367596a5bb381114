"""Garnet decision processes, their values, and how far one step may harden a soft policy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library, softmax

REACH = 2.0  # how far a step may pull the logits of a state apart, from the uniform policy
GROWTH = 0.5  # the same later on, as a share of how far apart they are
RANGES = {"states": whole(2), "actions": whole(2), "branches": whole(1), "gamma": Range(0.0, 0.9999)}
WITHIN = (("branches", "states"),)


def garnet(knobs: Knobs, rng: Generator) -> dict[str, Any]:
    """Draw a process: each action leads to `branches` states with random chances, and pays U[0, 1]."""
    states, actions, branches = (int(knobs[name]) for name in ("states", "actions", "branches"))
    successors = rng.random((states, actions, states)).argsort(axis=-1)[..., :branches]
    cuts = np.sort(rng.random((states, actions, branches - 1)), axis=-1)
    chances = np.zeros((states, actions, states))
    np.put_along_axis(chances, successors, np.diff(cuts, axis=-1, prepend=0.0, append=1.0), axis=-1)
    rewards, gamma = rng.random((states, actions)), np.asarray(float(knobs["gamma"]))
    return {"chances": chances, "rewards": rewards, "gamma": gamma, "best": _solve(chances, rewards, float(gamma))}


def _solve(chances: Array, rewards: Array, gamma: float) -> Array:
    """Return the values of the best policy, by policy iteration."""
    states = np.arange(len(rewards))
    choice = np.zeros(len(rewards), dtype=np.int64)
    while True:
        v = np.linalg.solve(np.eye(len(states)) - gamma * chances[states, choice], rewards[states, choice])
        q = rewards + gamma * chances @ v
        better = np.where(q.max(axis=1) > q[states, choice] + 1e-12, q.argmax(axis=1), choice)
        if (better == choice).all():
            return v
        choice = better


def chain(data: Data, policy: Array) -> Array:
    """Return the identity minus the discounted transition matrix of a policy."""
    xp = library(policy)
    return xp.eye(policy.shape[0]) - data["gamma"] * xp.einsum("sa,sat->st", policy, data["chances"])


def values(data: Data, policy: Array) -> tuple[Array, Array]:
    """Solve for the values of the states and of the actions under a policy."""
    v = library(policy).linalg.solve(chain(data, policy), (policy * data["rewards"]).sum(axis=-1))
    return v, data["rewards"] + data["gamma"] * data["chances"] @ v


def gap(data: Data, p: Array) -> Array:
    """Return how much the softmax policy of logits p loses in the worst state."""
    v, _ = values(data, softmax(p))
    return (data["best"] - v).max()


def soften(p: Array, answer: Array) -> Array:
    """Shorten a step that hardens the policy too fast: z times too long, it moves 1/z of REACH.

    A step is too long where it pulls the logits of some state further apart than REACH, and than GROWTH of how far
    apart they are in the hardest state.
    """
    xp, move = library(p), answer - p
    length = _apart(move)
    allowed = length <= xp.maximum(REACH, GROWTH * _apart(p))
    return xp.where(allowed, answer, p + move * (REACH / xp.maximum(length, REACH)) ** 2)


def _apart(p: Array) -> Array:
    return (p.max(axis=-1) - p.min(axis=-1)).max()
