"""The policies of the literature race first: one at a time, then together, within the budget, and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from slotforge.core.types import Budget, Candidate, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search import builtins, numbering, worker
from slotforge.search.archive import Archive
from slotforge.search.builtins import Builtins
from slotforge.search.discover import Discovery
from slotforge.search.executors.inline import Inline
from slotforge.search.observer import Silent
from slotforge.search.race import Race
from slotforge.testing import hills
from slotforge.testing.landscape import NAME, Landscape

DOMAIN = Landscape()
SUITE = DOMAIN.suite(("a",), seed=1, options={"per_family": 40})
SLOTS = ("gamma", "alpha", "beta")  # the optima are 0.5 (the default), 0.9 and 0.2; the policies are 0.25 and 0.75


def baseline() -> Trial:
    candidate = Candidate(domain=NAME)
    measured = worker.measure(
        tuple(worker.Task(candidate=candidate, instance=i, seed=0) for i in SUITE.search)
    ).measurements
    return Trial(
        run="r",
        number=0,
        operator="baseline",
        slots=(),
        parents=(),
        candidate=candidate,
        state=TrialState.SCORED,
        ratio=1.0,
        measurements=measured,
    )


def race(
    *, most: int | None = None, recorded: Mapping[int, Trial] | None = None, time: bool = True
) -> tuple[list[Trial], list[Trial]]:
    """Return the trials, and those that were made rather than taken from the record."""
    made: list[Trial] = []
    first = baseline()
    stage = Builtins(
        domain=DOMAIN,
        race=Race(
            executor=Inline(),
            instances=SUITE.search,
            seed=0,
            reference={m.instance: m for m in first.measurements},
        ),
        slots=SLOTS,
        start=DOMAIN.start(SLOTS),
        alone=False,
        most=most,
        recorded=recorded or {},
        record=made.append,
        may_start=lambda: time,
        observer=Silent(),
    )
    return asyncio.run(stage.run(first)), made


def names(trials: list[Trial]) -> list[str]:
    return [builtins.title(trial) for trial in trials]


def test_each_policy_races_alone_and_the_best_of_each_slot_together() -> None:
    trials, made = race()
    assert names(trials)[:6] == ["gamma=Low", "alpha=Low", "beta=Low", "gamma=High", "alpha=High", "beta=High"]
    assert names(trials)[6] in ("alpha=High,beta=Low", "beta=Low,alpha=High")
    assert [trial.number for trial in trials] == [-1 - place for place in range(len(trials))]
    assert made == trials
    best = builtins.best(trials)
    assert best is trials[6]
    assert builtins.best_alone(trials) in trials[:6]
    assert best.candidate is not None
    assert best.candidate.slots == {"alpha": "0.75", "beta": "0.25"}


def test_no_more_trials_are_made_than_the_search_may_make() -> None:
    for most in range(1, 9):
        trials, _ = race(most=most)
        assert 1 <= len(trials) <= most


def test_what_is_recorded_is_not_made_again_and_the_outcome_is_the_same() -> None:
    whole, _ = race()
    for kept in (range(-1, -3, -1), range(-1, -8, -1), (-2, -5)):
        trials, made = race(recorded={t.number: t for t in whole if t.number in kept})
        assert [(t.number, t.candidate, t.ratio) for t in trials] == [(t.number, t.candidate, t.ratio) for t in whole]
        assert {t.number for t in made} == {t.number for t in whole} - set(kept)


def test_a_hole_in_what_is_recorded_does_not_make_two_trials_one() -> None:
    whole, _ = race()
    trials, _ = race(recorded={t.number: t for t in whole if t.number in (-1, -3, -4, -5, -6)}, time=False)
    assert [t.number for t in trials] == [-1, -3, -4, -5, -6]
    trials, _ = race(recorded={t.number: t for t in whole if t.number in (-1, -3, -4, -5, -6, -7)}, time=False)
    assert [t.number for t in trials] == [-1, -3, -4, -5, -6, -7]
    assert len(trials[-1].slots) == 2


def test_without_time_nothing_new_is_raced() -> None:
    whole, _ = race()
    assert race(time=False) == ([], [])
    trials, made = race(recorded={t.number: t for t in whole[:2]}, time=False)
    assert names(trials) == ["gamma=Low", "alpha=Low"]
    assert made == []


def test_a_search_that_goes_on_with_a_larger_budget_races_nothing_that_it_has_not_seen(tmp_path: Path) -> None:
    short, long = (hills.config(slots=("alpha",), budget=Budget(evals=evals)) for evals in (1, 6))
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=short, store=store).run().run
        before = [number for number in store.trials(run) if number > numbering.LIBRARY]
        assert min(before) == -1
        Discovery(config=long, store=store, run_id=run).run()
        assert [number for number in store.trials(run) if number > numbering.LIBRARY] == [*range(-1, 7)]


def test_only_built_in_policies_that_were_raced_are_known() -> None:
    archive = Archive(slots=SLOTS, baseline=baseline())
    slot = DOMAIN.slots()["gamma"]
    assert list(archive.known(slot).variants) == ["Default"]
    trials, _ = race(most=2)
    archive.begin_with(trials)
    assert [title for title in names(trials) if "gamma" in title] == ["gamma=Low"]
    assert list(archive.known(slot).variants) == ["Default", "Low"]
