"""An instance on which the unchanged solver fails is left out and named, in every split, and the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.comparison import REFUTED
from slotforge.core.errors import BuildError, KillsWorkers, SlotforgeError
from slotforge.core.types import Budget, Candidate, Instance, Measurement, Outcome, RunConfig, Split
from slotforge.lineage.refutations import refutations
from slotforge.lineage.store import open_store
from slotforge.search import worker
from slotforge.search.confirm import Refuted, measure_pairs
from slotforge.search.discover import Discovery
from slotforge.search.executors.inline import Inline
from slotforge.search.observer import Silent
from slotforge.search.report import NOTHING_LEFT, Report
from slotforge.search.verdict import Pair
from slotforge.testing import landscape

BASELINE = Candidate(domain=landscape.NAME)
CANDIDATE = Candidate(domain=landscape.NAME, slots={"alpha": "0.75"})
CONFIG = RunConfig(
    domain=landscape.NAME, instances=("a",), budget=Budget(evals=8), executor="inline", options={"per_family": 40}
)
SUITE = landscape.Landscape().suite(CONFIG.instances, seed=CONFIG.seed, options=CONFIG.options)
FAILURES = [Outcome.TOO_LARGE, Outcome.CRASH, Outcome.TIMEOUT]

Ending = Callable[[Candidate, str], Outcome | None]  # of a candidate's run on the instance of an id, if it fails


class Noting(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def end_runs_as(patch: pytest.MonkeyPatch, ending: Ending) -> None:
    """Make runs on the landscape end as told."""
    right = landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, instance: Instance, **options: object) -> Measurement:
        made = right(self, candidate, instance, **options)  # type: ignore[arg-type]
        outcome = ending(candidate, instance.id)
        return made.model_copy(update={"outcome": outcome, "reason": "as told"}) if outcome else made

    patch.setattr(landscape.Landscape, "measure", measure)


def discover(path: Path) -> tuple[Report, list[str]]:
    observer = Noting()
    with open_store(path) as store:
        return Discovery(config=CONFIG, store=store, observer=observer).run(), observer.notes


@pytest.mark.parametrize("outcome", FAILURES)
@pytest.mark.parametrize("split", Split)
def test_one_instance_that_is_too_much_for_the_baseline_costs_a_run_that_instance_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split, outcome: Outcome
) -> None:
    bad = getattr(SUITE, split)[0]
    end_runs_as(monkeypatch, lambda _, instance: outcome if instance == bad.id else None)
    report, notes = discover(tmp_path / "s.db")
    assert report.state == "finished"
    assert f"{bad.name}: not solved by the baseline: as told, left out" in notes
    assert report.holdout is not None
    assert report.holdout.instances == len(SUITE.holdout) - (split is Split.HOLDOUT)


@pytest.mark.parametrize("split", Split)
def test_a_wrong_answer_of_the_baseline_ends_the_run_and_names_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split
) -> None:
    bad = getattr(SUITE, split)[0]
    end_runs_as(monkeypatch, lambda one, i: Outcome.WRONG if i == bad.id and not one.slots else None)
    with pytest.raises(SlotforgeError, match=rf"wrong on {bad.name}: as told"):
        discover(tmp_path / "s.db")


def test_where_no_instance_of_a_later_split_is_left_the_run_ends_and_says_that_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {i.id for i in SUITE.select + SUITE.holdout}
    end_runs_as(monkeypatch, lambda _, instance: Outcome.TOO_LARGE if instance in later else None)
    report, _ = discover(tmp_path / "s.db")
    assert report.best.slots
    assert report.best.ratio_select is None
    assert report.holdout is not None
    assert (report.holdout.verdict, report.holdout.instances) == ("no difference", 0)
    assert report.holdout.notes == (NOTHING_LEFT,)


def held(patch: pytest.MonkeyPatch, ending: Ending) -> tuple[list[Pair], list[str]]:
    end_runs_as(patch, ending)
    observer = Noting()
    pairs = measure_pairs(Inline(), CANDIDATE, BASELINE, SUITE.holdout[:4], seeds=[0, 1], observer=observer)
    return asyncio.run(pairs), observer.notes


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("outcome", FAILURES)
def test_a_pair_on_which_both_fail_is_left_out_whoever_goes_first(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, place: int
) -> None:
    bad = SUITE.holdout[place]
    pairs, notes = held(monkeypatch, lambda _, instance: outcome if instance == bad.id else None)
    assert notes == [f"{bad.name}: not solved by the baseline: as told, left out"]
    assert len(pairs) == 6
    assert bad.id not in {p.candidate.instance for p in pairs}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("outcome", FAILURES)
def test_a_candidate_that_fails_alone_is_refuted_whoever_goes_first(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, place: int
) -> None:
    bad = SUITE.holdout[place]
    with pytest.raises(Refuted, match=rf"{outcome.upper()} on {bad.name}: as told"):
        held(monkeypatch, lambda one, instance: outcome if instance == bad.id and one.slots else None)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("baseline", [*FAILURES, Outcome.WRONG, None])
def test_a_wrong_answer_refutes_whatever_the_baseline_does(
    monkeypatch: pytest.MonkeyPatch, baseline: Outcome | None, place: int
) -> None:
    bad = SUITE.holdout[place]
    with pytest.raises(Refuted, match="WRONG"):
        held(
            monkeypatch,
            lambda one, instance: (Outcome.WRONG if one.slots else baseline) if instance == bad.id else None,
        )


def test_a_wrong_answer_of_what_is_compared_to_is_its_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SlotforgeError, match="compared to, fails itself"):
        held(monkeypatch, lambda one, _: Outcome.CRASH if one.slots else Outcome.WRONG)


@pytest.mark.parametrize("place", [0, 1])
def test_a_winner_that_is_refused_on_an_unseen_instance_is_refuted_and_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    bad, right = SUITE.holdout[place], landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, instance: Instance, **options: object) -> Measurement:
        if candidate.slots and instance.id == bad.id:
            raise BuildError("line 3: does not run here")
        return right(self, candidate, instance, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    report, _ = discover(tmp_path / "s.db")
    assert (report.state, report.holdout and report.holdout.verdict) == ("finished", "worse")
    assert report.holdout is not None
    assert report.holdout.notes == (f"{REFUTED}{report.best.candidate}: the build failed: line 3: does not run here",)
    with open_store(tmp_path / "s.db") as store, store.reading() as connection:
        assert report.best.candidate in refutations(connection)


def test_a_finalist_that_takes_workers_along_as_it_is_deployed_is_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Inline.submit

    def submit(self: Inline, function: Callable[..., Any], *arguments: Any) -> Any:
        if function is worker.measure and any(task.fused for task in arguments[0]):
            raise KillsWorkers("3 workers were lost")
        return right(self, function, *arguments)

    monkeypatch.setattr(Inline, "submit", submit)
    report, notes = discover(tmp_path / "s.db")
    assert (report.state, report.best.slots) == ("finished", {})
    assert sum(note.endswith("cannot be deployed: 3 workers were lost") for note in notes) > 1
