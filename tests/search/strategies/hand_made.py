"""Archives and trials by hand, and a strategy that is led through them one proposal after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slotforge.core.ids import generator
from slotforge.core.seams import Strategy
from slotforge.core.types import Candidate, Measurement, Outcome, Request, Trial, TrialState
from slotforge.search.archive import Archive


def candidate(**slots: str) -> Candidate:
    return Candidate(domain="toy", slots=slots)


def trial(number: int, ratio: float | None, made: Candidate | None = None, **fields: Any) -> Trial:
    """Make a scored trial, or one that failed where it has no ratio."""
    made = made or candidate(alpha=f"code {number}")
    costs = fields.pop("costs", (ratio,) if ratio is not None else ())
    measurements = tuple(
        Measurement(
            candidate=made.id, instance=f"i{i}", family="f", seed=0, outcome=Outcome.SOLVED, cost=cost, cpu_s=0.1
        )
        for i, cost in enumerate(costs)
    )
    values = {
        "run": "r",
        "number": number,
        "operator": "mutate",
        "slots": tuple(made.slots),
        "parents": (),
        "state": TrialState.FAILED if ratio is None else TrialState.SCORED,
        "candidate": made,
        "ratio": ratio,
        "measurements": measurements,
    }
    return Trial(**(values | fields))


def archive(*builtins: Trial, slots: Sequence[str] = ("alpha",), horizon: int | None = None) -> Archive:
    """Make an archive that begins with the baseline, and with built-in policies that were raced."""
    made = Archive(slots=slots, baseline=trial(0, 1.0, candidate()), horizon=horizon)
    made.begin_with(builtins)
    return made


def lead(
    strategy: Strategy,
    known: Archive,
    answer: Callable[[int, Request], float | Mapping[str, Any] | None],
    count: int,
    *,
    window: int = 1,
    seed: int = 0,
) -> list[Request]:
    """Ask and tell as the loop does, trial by trial; return the requests.

    answer: makes of the number of a trial and its request a ratio, None for a failure, or the fields of the trial.
    """
    requests: list[Request] = []
    for number in range(1, count + window):
        if number <= count:
            requests.append(strategy.ask(known, generator(seed, number, "ask")))
        done = number - window + 1
        if done >= 1:
            tell(strategy, known, done, requests[done - 1], answer(done, requests[done - 1]))
    return requests


def tell(
    strategy: Strategy, known: Archive, number: int, request: Request, outcome: float | Mapping[str, Any] | None
) -> Trial:
    """Tell of a trial whose code is new in all requested slots."""
    fields = dict(outcome) if isinstance(outcome, Mapping) else {"ratio": outcome}
    made = request.parents[0].with_slots(dict.fromkeys(request.slots, f"code {number}"))
    values = {"operator": request.operator, "slots": request.slots, **fields}
    told = trial(number, values.pop("ratio"), made, **values)
    known.add(told)
    strategy.tell(known, told)
    return told


def parents(requests: Sequence[Request]) -> list[list[str]]:
    """Return what the parents of requests hold in the first requested slot."""
    return [[parent.slots.get(request.slots[0], "") for parent in request.parents] for request in requests]
