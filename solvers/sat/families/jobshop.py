"""Job shop scheduling: order the jobs on each machine so that all end in time.

Source: Crawford and Baker, "Experimental results on the application of satisfiability algorithms to scheduling
problems", AAAI 1994; order encoding of the start times (Tamura et al. 2009); random shops as in Taillard 1993. The
deadline is a little above the largest load of a machine or job. It is satisfiable when a greedy schedule meets it,
unsatisfiable below the load; in between, where it is hard, the answer is not known. Effort grows with jobs*machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula, Status
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder

_LONGEST = 9
_TRIES = 60


@dataclass(frozen=True, kw_only=True)
class JobShop(Family):
    """Job shops with a deadline.

    jobs: number of jobs, each with one operation on every machine.
    machines: number of machines.
    slack: percentage by which the deadline is above the largest load; below zero the formula is unsatisfiable.
    """

    jobs: int = size(14, 1, 200)
    machines: int = size(10, 1, 200)
    slack: float = size(10.0, -100.0, 1000.0)

    small: ClassVar[Mapping[str, Parameter]] = {"jobs": 4, "machines": 3, "slack": 20.0}

    def formula(self, rng: Generator) -> Formula:
        shape = (self.jobs, self.machines)
        duration = rng.integers(1, _LONGEST + 1, size=shape)
        machine = rng.permuted(np.tile(np.arange(self.machines), (self.jobs, 1)), axis=1)
        load = max(duration.sum(axis=1).max(), np.bincount(machine.ravel(), duration.ravel()).max())
        deadline = int(load * (1 + self.slack / 100))
        greedy = min(_greedy(duration, machine, rng) for _ in range(_TRIES))
        status: Status | None = "sat" if deadline >= greedy else "unsat" if deadline < load else None
        builder = Builder()
        if deadline < duration.sum(axis=1).max():
            builder.add()
        else:
            _encode(builder, duration, machine, deadline)
        return builder.formula(status)


def _greedy(duration: np.ndarray, machine: np.ndarray, rng: Generator) -> int:
    """Start operations in a random order of the jobs, each as early as it can; gives the end of the last."""
    jobs, machines = duration.shape
    job_free, machine_free, done = [0] * jobs, [0] * machines, [0] * jobs
    for job in rng.permutation(np.repeat(np.arange(jobs), machines)).tolist():
        where, length = int(machine[job, done[job]]), int(duration[job, done[job]])
        job_free[job] = machine_free[where] = max(job_free[job], machine_free[where]) + length
        done[job] += 1
    return max(job_free)


def _encode(builder: Builder, duration: np.ndarray, machine: np.ndarray, deadline: int) -> None:
    heads = np.cumsum(duration, axis=1) - duration
    tails = deadline - duration[:, ::-1].cumsum(axis=1)[:, ::-1]
    starts = [
        [_Start(builder, int(low), int(high)) for low, high in zip(*windows, strict=True)]
        for windows in zip(heads, tails, strict=True)
    ]
    users: dict[int, list[tuple[_Start, int]]] = {}
    for chain, lengths, places in zip(starts, duration.tolist(), machine.tolist(), strict=True):
        for now, after, length in zip(chain, chain[1:], lengths, strict=False):
            _precede(builder, now, length, after)
        for start, length, place in zip(chain, lengths, places, strict=True):
            users.setdefault(place, []).append((start, length))
    for operations in users.values():
        for i, (first, length) in enumerate(operations):
            for second, other in operations[i + 1 :]:
                order = builder.fresh()
                _precede(builder, first, length, second, -order)
                _precede(builder, second, other, first, order)


class _Start:
    """A start time in order encoding: `since(t)` is the literal of "not before t"."""

    def __init__(self, builder: Builder, low: int, high: int) -> None:
        self.low, self.high = low, high
        self._true = builder.true
        self._steps = builder.word(high - low)
        for earlier, later in zip(self._steps, self._steps[1:], strict=False):
            builder.add(-later, earlier)

    def since(self, time: int) -> int:
        if time <= self.low:
            return self._true
        return -self._true if time > self.high else self._steps[time - self.low - 1]


def _precede(builder: Builder, first: _Start, length: int, second: _Start, *unless: int) -> None:
    """Let `second` start no sooner than `length` after `first`, unless a literal holds."""
    for time in range(first.low, first.high + 1):
        if time + length > second.low:
            builder.add(*unless, -first.since(time), second.since(time + length))
