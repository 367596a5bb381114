"""What earlier runs have confirmed on similar families is offered to a search that begins, unless that would leak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import Unavailable
from slotforge.core.types import Budget, Candidate, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.confirmed import confirmed, runs_behind
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search import numbering
from slotforge.search.confirm import Confirmation
from slotforge.search.discover import Discovery
from slotforge.search.library import EVENT, Library
from slotforge.search.observer import Silent
from slotforge.search.report import Report
from slotforge.service.views.provenance import provenance
from slotforge.testing.hills import archive, config
from slotforge.testing.landscape import NAME, Landscape
from slotforge.testing.strategy_suite import Impatient

LAND = Landscape()
BASELINE = Trial(
    run="r",
    number=0,
    operator="baseline",
    slots=(),
    parents=(),
    state=TrialState.SCORED,
    candidate=Candidate(domain=NAME),
)


class Noting(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def made(**changes: Any) -> RunConfig:
    options = {"per_family": 15, "tuned_baseline": False, "library": True}
    return config(**{"instances": ("a:1",), "budget": Budget(evals=12), "options": options, **changes})


def run(store: SqlStore, settings: RunConfig, observer: Silent | None = None) -> Report:
    return Discovery(config=settings, store=store, observer=observer or Silent()).run()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with open_store(tmp_path / "s.db") as opened:
        yield opened


@pytest.fixture
def first(store: SqlStore) -> Report:
    report = run(store, made(slots=("alpha", "beta"), budget=Budget(evals=40)))
    assert report.holdout is not None
    assert report.holdout.verdict == "better"
    assert not report.library
    return report


def library(store: SqlStore, suite: Suite, slots: tuple[str, ...] = ("alpha", "beta", "gamma")) -> list[str]:
    made = Library(store=store, domain=LAND, slots=slots, suite=suite, observer=Silent(), known=(BASELINE,))
    return [candidate.id for candidate in made._choose()]


def suite(family: str, seed: int = 7) -> Suite:
    return LAND.suite((family,), seed=seed, options={"per_family": 15})


def test_what_is_confirmed_is_raced_before_the_next_search_and_reported(store: SqlStore, first: Report) -> None:
    second = run(store, made(seed=1))
    assert first.best.candidate in {offered.candidate for offered in second.library}
    raced = [t for n, t in store.trials(second.run).items() if numbering.ABLATION < n <= numbering.LIBRARY]
    assert [t.operator for t in raced] == [f"library {offered.candidate}" for offered in second.library[::-1]]
    assert second.best.ratio_search <= min(offered.ratio or 9 for offered in second.library)


def test_it_is_off_unless_asked_for(store: SqlStore, first: Report) -> None:  # noqa: ARG001
    second = run(store, made(seed=1, options={"per_family": 15, "tuned_baseline": False}))
    assert second.library == ()
    assert not any(n <= numbering.LIBRARY for n in store.trials(second.run) if n > numbering.ABLATION)


def test_equal_families_come_before_those_of_the_same_kind_and_others_are_not_offered(
    store: SqlStore, first: Report
) -> None:
    other = run(store, made(instances=("a:2",), seed=3, options={"per_family": 15, "tuned_baseline": False}))
    assert library(store, suite("a:1"))[0] != other.best.candidate
    assert library(store, suite("a:2"))[0] != first.best.candidate
    assert {first.best.candidate, other.best.candidate} <= set(library(store, suite("a:3")))
    assert library(store, suite("b:1")) == []


def test_candidates_that_replace_slots_which_are_not_searched_are_not_offered(store: SqlStore, first: Report) -> None:
    assert set(first.best.slots) == {"alpha", "beta"}
    assert first.best.candidate in library(store, suite("a:1"))
    assert first.best.candidate not in library(store, suite("a:1"), ("alpha",))


def test_what_searched_or_chose_on_the_holdout_split_is_left_out(store: SqlStore, first: Report) -> None:
    fresh, used = suite("a:1"), store.run(first.run).suite
    assert first.best.candidate in library(store, fresh)
    for split in (used.search, used.select):
        leaking = fresh.model_copy(update={"holdout": (*fresh.holdout, split[0])})
        assert library(store, leaking) == []


def test_a_child_leaks_what_the_run_of_its_parent_saw(store: SqlStore, first: Report) -> None:
    scratch = {"per_family": 15, "tuned_baseline": False, "library": True, "start": "default"}
    second = run(store, made(seed=3, options=scratch))
    child = next(one for one in confirmed(store, NAME) if one.candidate.id == second.best.candidate)
    assert runs_behind(store, child.candidate.id) == {first.run, second.run}
    leaking = suite("a:1").model_copy(update={"holdout": store.run(first.run).suite.search})
    assert second.best.candidate not in library(store, leaking)


def test_a_child_is_not_confirmed_on_what_its_parent_was_searched_on(store: SqlStore, first: Report) -> None:
    scratch = {"per_family": 15, "tuned_baseline": False, "library": True, "start": "default"}
    second = run(store, made(seed=3, options=scratch))
    child = next(one.candidate for one in confirmed(store, NAME) if one.candidate.id == second.best.candidate)
    observer = Noting()
    made_of = {"candidate": child, "against": Candidate(domain=NAME), "specs": ("a:1",), "per_family": 15}
    judged = Confirmation(**made_of, seed=0, executor="inline", observer=observer).judge(store)
    seen = store.run(first.run).suite
    assert not {pair.against.instance for pair in judged.kept and judged.kept[0].pairs} & {
        i.id for i in (*seen.search, *seen.select)
    }
    assert any(
        note.startswith(f"seen by the search: {len(seen.search + seen.select)} of 15") for note in observer.notes
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda store, one: runs_behind(store, one.id),
        lambda store, one: Confirmation(candidate=one, against=Candidate(domain=NAME), specs=(), seed=0)._runs(store),
        provenance,
    ],
)
def test_a_store_that_is_busy_is_not_taken_for_one_that_does_not_know_a_candidate(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, ask: Callable[[SqlStore, Candidate], object]
) -> None:
    def busy(_: SqlStore) -> None:
        raise Unavailable("the store is busy")

    monkeypatch.setattr(SqlStore, "reading", busy)
    with pytest.raises(Unavailable):
        ask(store, Candidate(domain=NAME, slots={"alpha": "0.5"}))


def test_a_verdict_on_other_families_takes_nothing_back_and_one_on_the_same_does(
    store: SqlStore, first: Report
) -> None:
    held = store.verdicts(first.run)[0]
    (before,) = (one for one in confirmed(store, NAME) if one.candidate == held.candidate)
    in_vain = held.verdict.model_copy(update={"verdict": "no difference", "ratio": 1.0})

    def look(family: str) -> None:
        sides = ("candidate", "against")
        pairs = [
            pair.model_copy(update={side: getattr(pair, side).model_copy(update={"family": family}) for side in sides})
            for pair in held.pairs
        ]
        store.record_verdict(None, held.model_copy(update={"verdict": in_vain, "pairs": tuple(pairs)}))

    assert before.runs == {first.run}
    look("b:1")
    assert before in confirmed(store, NAME)
    look("a:1")
    assert held.candidate.id not in {one.candidate.id for one in confirmed(store, NAME)}


def test_that_the_holdout_split_was_opened_before_is_said(store: SqlStore, first: Report) -> None:
    observer = Noting()
    again = run(store, made(), observer)
    assert store.run(again.run).suite.holdout == store.run(first.run).suite.holdout
    assert any("no new evidence" in note for note in observer.notes)


def test_a_resumed_run_is_offered_what_it_was_offered_at_first(store: SqlStore, first: Report) -> None:
    assert first.best.slots
    job = Discovery(config=made(seed=1), store=store, observer=Impatient(3))
    with pytest.raises(KeyboardInterrupt):
        job.run()
    offered = [event.facts["offered"] for event in store.events(job.run_id) if event.kind == EVENT]
    run(store, made(seed=2))  # which finds more
    resumed = Discovery(config=made(seed=1), store=store, run_id=job.run_id).run()
    assert [o.candidate for o in resumed.library] == offered[0]
    assert len(offered) == 1
    assert len(store.trials(resumed.run)) > 12
    assert set(archive(store.trials(resumed.run))) >= set(range(13))


def test_a_replay_is_offered_what_the_original_was_though_it_has_found_something_since(
    store: SqlStore, first: Report
) -> None:
    second = run(store, made(seed=1))
    assert second.library
    run(store, made(seed=2, slots=("alpha", "beta")))  # which finds more
    for original, settings in ((first, made(slots=("alpha", "beta"), budget=Budget(evals=40))), (second, made(seed=1))):
        again = run(store, settings.model_copy(update={"model": f"replay:{original.run[:8]}"}))
        assert (again.state, again.library) == ("finished", original.library)
        assert archive(store.trials(again.run)) == archive(store.trials(original.run))
        assert (again.best, again.holdout and again.holdout.ratio) == (
            original.best,
            original.holdout and original.holdout.ratio,
        )


@pytest.mark.parametrize(
    ("holdout", "slots", "fits"),
    [
        ("fresh", ("alpha", "beta"), True),
        ("fresh", ("alpha",), False),
        ("search", ("alpha", "beta", "gamma"), False),
        ("select", ("alpha", "beta", "gamma"), False),
    ],
)
def test_a_replay_on_other_instances_or_slots_is_offered_what_of_it_is_fit_for_them(
    store: SqlStore, first: Report, holdout: str, slots: tuple[str, ...], fits: bool
) -> None:
    second = run(store, made(seed=1))
    offered = [one.candidate for one in second.library]
    assert first.best.candidate in offered
    other, seen = suite("a:1"), store.run(first.run).suite
    if holdout != "fresh":
        other = other.model_copy(update={"holdout": (*other.holdout, getattr(seen, holdout)[0])})
    again = store.create_run(made(), other, {})
    made_of = {"domain": LAND, "suite": other, "observer": Silent(), "known": (BASELINE,), "replayed": second.run}
    found = [one.id for one in Library(store=store, slots=slots, **made_of).offered(again)]
    assert (first.best.candidate in found) is fits
    assert {*found} <= {*offered}


def test_a_replay_of_a_run_without_the_library_does_without(store: SqlStore, first: Report) -> None:
    plain = run(store, made(seed=1, options={"per_family": 15, "tuned_baseline": False}))
    again = run(store, made(seed=1, model=f"replay:{plain.run}"))
    assert again.library == ()
    assert archive(store.trials(again.run)) == archive(store.trials(plain.run))
    assert first.best.slots
