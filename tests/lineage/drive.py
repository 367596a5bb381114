"""A process that records trials, for the tests to start many of and to kill: drive.py STORE COUNT [RUN]."""

from __future__ import annotations

import sys

from slotforge.core.types import Call, Candidate, Completion, Measurement, Outcome, Prompt, RunConfig, Suite, Trial
from slotforge.lineage.store import open_store

FLUSH_EVERY = 7


def trial(run: str, number: int) -> Trial:
    """Make a trial whose every part follows from its number."""
    candidate = Candidate(domain="sat", slots={"decay": "shared", "restart_due": f"{run} {number % 50}"})
    return Trial(
        run=run,
        number=number,
        operator="mutate",
        slots=("restart_due",),
        parents=(f"{number:016x}", candidate.id),
        state="scored",
        candidate=candidate,
        ratio=1 / (number + 1),
        measurements=tuple(
            Measurement(
                candidate=candidate.id,
                instance=f"i{place}",
                family="f",
                seed=number,
                outcome=Outcome.SOLVED,
                cost=number + place,
                cpu_s=0.0,
            )
            for place in range(3)
        ),
        calls=(call(number),),
    )


def call(number: int) -> Call:
    """Make the exchange of a trial."""
    prompt = Prompt(operator="mutate", messages=(("user", f"proposal {number}"),))
    return Call(stage="propose", prompt=prompt, completion=Completion(text=f"answer {number}", model="m"))


def main(where: str, count: int, run: str | None) -> None:
    """Record, and say on standard output what is safe."""
    with open_store(where) as store:
        if run is None:
            run = store.create_run(RunConfig(domain="sat", instances=()), Suite(search=(), select=(), holdout=()), {})
        else:
            store.lock_run(run)
        print("run", run, flush=True)
        start = len(store.trials(run))
        for number in range(start, start + count):
            store.record_call(run, number, call(number))
            store.record(trial(run, number))
            if number % FLUSH_EVERY == 0:
                store.flush()
                print("safe", number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
