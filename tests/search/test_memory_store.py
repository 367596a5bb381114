"""The store in memory keeps what searches hand it, as the one on disk does."""

from __future__ import annotations

from slotforge.core.types import (
    Call,
    Completion,
    Measurement,
    Outcome,
    Prompt,
    RunConfig,
    Spending,
    Suite,
    Trial,
    TrialState,
)
from slotforge.testing.memory import MemoryStore

CALL = Call(stage="propose", prompt=Prompt(operator="mutate", messages=()), completion=Completion(text="x", model="m"))


def trial(run: str, number: int) -> Trial:
    return Trial(run=run, number=number, operator="o", slots=(), parents=(), state=TrialState.FAILED, reason="no")


def test_it_keeps_trials_exchanges_sessions_and_events_by_run() -> None:
    store = MemoryStore()
    one, two = (
        store.create_run(RunConfig(domain="d", instances=()), Suite(search=(), select=(), holdout=()), {})
        for _ in range(2)
    )
    for number in (2, -1, 0):
        store.record(trial(one, number))
    store.record_call(one, 2, CALL)
    assert (store.open_session(one), store.open_session(one)) == (1, 2)
    store.record_spending(one, 2, Spending(seconds=1))
    chosen = Measurement(candidate="c", instance="i", family="f", seed=0, outcome=Outcome.SOLVED, cost=1.0, cpu_s=0.1)
    store.finish(one, "finished", {"trials": 1}, why="it is over", selection={2: [chosen]})
    assert list(store.trials(one)) == [-1, 0, 2]
    assert list(store.trials(one, last=0)) == [-1, 0]
    assert list(store.trials(one, first=0)) == [0, 2]
    assert (store.newest(one), store.newest(two)) == (2, 0)
    assert store.trials(one)[2].selection == (chosen,)
    assert store.all_calls(one) == {2: (CALL,)}
    assert store.all_calls(one, unfinished=True) == {}
    assert [(event.kind, event.facts) for event in store.events(one)] == [
        ("started", {}),
        ("resumed", {}),
        ("finished", {"why": "it is over"}),
    ]
    assert store.trials(two) == store.all_calls(two) == {}
