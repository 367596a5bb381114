"""Measure two solvers side by side on instances that neither was chosen on, with every answer proved."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from slotforge.core.errors import SlotforgeError
from slotforge.core.seams import Executor
from slotforge.core.types import Candidate, Instance, Measurement, Outcome
from slotforge.search import worker
from slotforge.search.racing import defect
from slotforge.search.verdict import CAP, Pair


def run_pair(
    candidate: Candidate, against: Candidate, instance: Instance, seed: int, limit: float | None, candidate_first: bool
) -> worker.Block:
    """Run two deployment builds one after the other on one instance; runs on a worker.

    Whichever goes first has the domain's limit, or `limit`; the other may use CAP times what the first one needed.

    Returns:
        The measurements of the candidate and of what it is compared to, in this order.
    """
    order = (candidate, against) if candidate_first else (against, candidate)
    first = worker.measure((worker.Task(candidate=order[0], instance=instance, seed=seed, limit=limit, prove=True, fused=True),))
    if first.failure or defect(first.measurements):
        return first
    cost = first.measurements[0].cost
    second_limit = cost if first.measurements[0].outcome is Outcome.LIMIT else math.ceil(cost * CAP)
    second = worker.measure(
        (worker.Task(candidate=order[1], instance=instance, seed=seed, limit=second_limit, prove=True, fused=True),)
    )
    both = first.measurements + second.measurements
    return worker.Block(measurements=both if candidate_first else both[::-1], failure=second.failure)


class Refuted(SlotforgeError):
    """The candidate gave a wrong answer, crashed or hung where it was to be confirmed."""

    def __init__(self, measurement: Measurement) -> None:
        super().__init__(f"{measurement.outcome} on {measurement.instance}: {measurement.reason}")
        self.measurement = measurement


async def measure_pairs(
    executor: Executor,
    candidate: Candidate,
    against: Candidate,
    instances: Sequence[Instance],
    *,
    seeds: Sequence[int],
    limit: float | None = None,
) -> list[Pair]:
    """Measure all instances with all seeds; which solver goes first alternates.

    Raises:
        Refuted: an answer of the candidate was refuted, or it crashed.
        SlotforgeError: a build failed, or the solver that it is compared to was itself refuted.
    """
    jobs = [
        executor.submit(run_pair, candidate, against, instance, seed, limit, bool((i + s) % 2))
        for s, seed in enumerate(seeds)
        for i, instance in enumerate(instances)
    ]
    pairs: list[Pair] = []
    for block in await asyncio.gather(*jobs):
        if block.failure:
            raise SlotforgeError(f"the build failed: {block.failure}")
        if broken := defect(block.measurements):
            raise Refuted(broken)
        pairs.append(Pair(candidate=block.measurements[0], against=block.measurements[1]))
    return pairs
