"""Eight processes that empty a queue at the same time: takers.py STORE; prints what each has taken, one a line."""

from __future__ import annotations

import multiprocessing
import sys
import time
from typing import Any, Final

from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import Queue

PAUSE_S: Final = 0.005  # between jobs, as work would be: else the first that runs could empty the queue alone


def take_all(where: str, number: int, told: Any, together: Any) -> None:
    with open_store(where) as store:
        queue = Queue(store)
        together.wait(60)
        while (lease := queue.take(f"server{number}")) is not None:
            told.put((number, lease.job, lease.fence))
            time.sleep(PAUSE_S)
    told.put(None)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    told, together = context.Queue(), context.Barrier(8)
    takers = [context.Process(target=take_all, args=(sys.argv[1], n, told, together)) for n in range(8)]
    for taker in takers:
        taker.start()
    ended = 0
    while ended < len(takers):
        if (one := told.get(timeout=60)) is None:
            ended += 1
        else:
            print(*one)
    for taker in takers:
        taker.join()
