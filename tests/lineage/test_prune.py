"""Pruning drops what is large, and nothing that a lineage, a winner or a verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.event import listen, remove

from slotforge.core.errors import Conflict, StoreError
from slotforge.core.types import Candidate, Trial, TrialState
from slotforge.lineage import prune as prune_module
from slotforge.lineage import queries, schema, winners
from slotforge.lineage.backup import backup
from slotforge.lineage.check import check
from slotforge.lineage.prune import LOST, prune
from slotforge.lineage.reads.built import last_build
from slotforge.lineage.store import SqlStore, open_store
from slotforge.lineage.vacuum import vacuum
from slotforge.search.verdict import verdict
from slotforge.service.jobs.queue import Queue
from slotforge.testing.store_samples import (
    BASELINE,
    CONFIG,
    SUITE,
    anything,
    held,
    sample_call,
    sample_pairs,
    sample_trial,
)

STATES = [TrialState.SCORED, TrialState.RACED_OUT, TrialState.FAILED, TrialState.WRONG, TrialState.REJECTED]


def candidate(run: str, number: int) -> Candidate:
    return BASELINE.with_slots({"restart_due": f"{run} {number}"} if number else {})


def fill(store: SqlStore, states: list[TrialState], parents: list[int], *, ended: bool = True) -> str:
    """Keep a run whose trials have these states and were made from these; the best scored one has a verdict."""
    run = store.create_run(CONFIG, SUITE, {"compiler": "g++"})
    store.record(sample_trial(run, 0))
    for number, (state, parent) in enumerate(zip(states, parents, strict=True), 1):
        made = candidate(run, number)
        trial = sample_trial(run, number, candidate=made, state=state, parents=(candidate(run, parent % number).id,))
        moved = [m.model_copy(update={"candidate": made.id}) for m in trial.measurements]
        store.record(trial.model_copy(update={"measurements": tuple(moved), "calls": (sample_call(number),)}))
    if ended:
        scored = [number for number, state in enumerate(states, 1) if state is TrialState.SCORED]
        best = candidate(run, scored[-1] if scored else 0)
        pairs = sample_pairs(best)
        told = [held(best, verdict(pairs), pairs=pairs)] if best.slots else []
        store.finish(run, "finished", {"best": {"candidate": best.id}}, verdicts=told)
    return run


def evidence(store: SqlStore, run: str) -> object:
    """Return what must not change: every trial but for what may be dropped, sources, lineages, verdicts, usage."""
    trials = store.trials(run)
    bare = {n: t.model_copy(update={"calls": (), "measurements": ()}) for n, t in trials.items()}
    lineages = {n: queries.lineage(store, t.candidate.id) for n, t in trials.items() if t.candidate}
    usage = queries.usage(store, run)
    return bare, lineages, store.verdicts(run), usage


@settings(anything, max_examples=12)
@given(
    states=st.lists(st.sampled_from(STATES), min_size=1, max_size=8),
    parents=st.lists(st.integers(0, 100), min_size=8, max_size=8),
    measurements=st.sampled_from(["lost", "all", "none"]),
)
def test_every_lineage_and_verdict_can_be_told_and_computed_as_before(
    states: list[TrialState], parents: list[int], measurements: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_store(tmp_path_factory.mktemp("prune") / "store.db") as store:
        run = fill(store, states, parents[: len(states)])
        before, trials = evidence(store, run), store.trials(run)
        line = {one.candidate for told in store.verdicts(run) for one in queries.lineage(store, told.candidate.id)}
        prune(store, keep=0, measurements=measurements)  # type: ignore[arg-type]
        assert evidence(store, run) == before
        for told in store.verdicts(run):
            assert verdict(told.pairs) == told.verdict
        for number, trial in store.trials(run).items():
            whole = trials[number]
            kept = number == 0 or (whole.candidate is not None and whole.candidate.id in line)
            assert trial.measurements == (whole.measurements if kept or not drops(whole, measurements) else ())
            assert (trial.calls == whole.calls) == (kept or not whole.calls)
        assert check(store).problems == ()


def drops(trial: Trial, measurements: str) -> bool:
    return measurements == "all" or (measurements == "lost" and trial.state in LOST)


def test_pruning_says_what_it_drops_and_then_has_nothing_more_to_drop(where: str) -> None:
    with open_store(where) as store:
        run = fill(store, [TrialState.SCORED, TrialState.RACED_OUT, TrialState.FAILED], [0, 1, 1])
        before = store.trials(run)
        planned = prune(store, keep=0, dry=True)
        assert store.trials(run) == before
        assert [event.kind for event in store.events(run)] == ["finished"]
        done = prune(store, keep=0)
        assert done == planned
        assert (done.runs, done.exchanges, done.measurements, done.prompts) == ((run,), 2, 4, 2)
        assert done.size > 0
        assert store.events(run)[-1].facts["why"] == "2 exchanges, 4 measurements dropped"
        assert prune(store, keep=0).runs == ()
        assert check(store).problems == ()


def test_what_the_compiler_said_is_dropped_with_the_exchanges_but_for_winners_and_then_is_not_known(where: str) -> None:
    with open_store(where) as store:
        run = fill(store, [TrialState.SCORED], [0], ended=False)
        logs = {"restart_due": "warning"}
        lost = store.trials(run)[1].candidate
        assert lost is not None
        store.record(sample_trial(run, 2, candidate=candidate(run, 2), state=TrialState.RACED_OUT, against=0, log=logs))
        store.record(sample_trial(run, 3, candidate=candidate(run, 3), against=0, log=logs))
        store.record(sample_trial(run, 4, candidate=candidate(run, 4), against=0))
        store.finish(run, "finished", {"best": {"candidate": candidate(run, 3).id}})
        assert last_build(store, lost.id) is None, "nothing says that it was built"
        assert [last_build(store, candidate(run, n).id) is not None for n in (2, 3, 4)] == [True, True, True]
        assert prune(store, keep=0, exchanges=False).logs == 0
        assert prune(store, keep=0, dry=True).logs == 1
        assert prune(store, keep=0).logs == 1
        assert [store.trials(run)[n].log for n in (2, 3)] == [{}, logs]
        assert [last_build(store, candidate(run, n).id) is not None for n in (2, 3, 4)] == [False, True, False]
        assert check(store).problems == ()


def test_only_old_runs_that_have_finished_are_pruned(where: str) -> None:
    with open_store(where) as store:
        old = fill(store, [TrialState.FAILED], [0])
        going = fill(store, [TrialState.FAILED], [0], ended=False)
        new = fill(store, [TrialState.FAILED], [0])
        with store.writing() as connection:
            connection.execute(text("UPDATE run SET started = 10, ended = 100 WHERE id = :run"), {"run": old})
            connection.execute(text("UPDATE run SET started = 20 WHERE id = :run"), {"run": going})
        assert prune(store, before=50, dry=True).runs == ()
        assert prune(store, before=101, dry=True).runs == (old,)
        assert prune(store, keep=2, dry=True).runs == (old,)
        assert prune(store, keep=0, before=50, dry=True).runs == ()
        found = prune(store, keep=1)
        assert (found.runs, found.left) == ((old,), (going,))
        assert len(store.trials(new)[1].measurements) == len(store.trials(going)[1].measurements) == 2


def test_a_prompt_that_another_run_asks_stays(where: str) -> None:
    with open_store(where) as store:
        fill(store, [TrialState.FAILED], [0])
        other = fill(store, [TrialState.FAILED], [0])
        assert prune(store, keep=1).prompts == 0
        assert store.trials(other)[1].calls == (sample_call(1),)


def test_what_was_dropped_is_not_replayed_in_part(where: str) -> None:
    with open_store(where) as store:
        run = fill(store, [TrialState.SCORED, TrialState.FAILED], [0, 0])
        prune(store, keep=0)
        for ask in (lambda: store.all_calls(run), lambda: list(queries.completions(store, run))):
            with pytest.raises(StoreError, match=f"exchanges of run {run} were dropped by `slotforge db prune`"):
                ask()


@pytest.mark.parametrize(
    ("state", "spared"), [("queued", True), ("paused", True), ("failed", True), ("finished", False)]
)
def test_what_a_job_that_may_go_on_replays_is_spared(state: str, spared: bool, where: str) -> None:
    with open_store(where) as store:
        run = fill(store, [TrialState.FAILED], [0])
        other = fill(store, [TrialState.FAILED], [0])
        config = CONFIG.model_copy(update={"model": f"offline, replay:{run[:6]}"})
        job = Queue(store).submit(config, owner="ann").id
        with store.writing() as connection:
            connection.execute(text("UPDATE job SET state = :state WHERE id = :job"), {"job": job, "state": state})
        found = prune(store, keep=0, dry=True)
        assert found == prune(store, keep=0)
        assert set(found.runs) == ({other} if spared else {other, run})
        assert found.left == ((run,) if spared else ())
        if spared:
            assert store.all_calls(run)


def test_what_a_run_that_may_go_on_replays_is_spared(where: str) -> None:
    with open_store(where) as store:
        run = fill(store, [TrialState.FAILED], [0])
        going = store.create_run(CONFIG.model_copy(update={"model": f"replay:{run}"}), SUITE, {})
        assert set(prune(store, keep=0).left) == {run, going}


def test_what_becomes_a_winner_or_is_replayed_meanwhile_is_spared(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(where) as store:
        won = fill(store, [TrialState.FAILED], [0])
        asked = fill(store, [TrialState.FAILED], [0])
        old, before = prune_module._old, store.all_calls(won)

        def late(connection: Connection, *rest: Any) -> Any:
            """Let something happen once it is known which runs are old."""
            found = old(connection, *rest)
            made = candidate(won, 1)
            with open_store(where) as another:
                another.record_verdict(won, held(made, verdict(sample_pairs(made)), pairs=sample_pairs(made)))
                Queue(another).submit(CONFIG.model_copy(update={"model": f"replay:{asked}"}), owner="ann")
            return found

        monkeypatch.setattr(prune_module, "_old", late)
        found = prune(store, keep=0)
        assert (found.runs, found.left) == ((), (asked,))
        assert store.all_calls(won) == before
        assert store.all_calls(asked)


def test_a_dry_run_holds_no_lock(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(where) as store:
        fill(store, [TrialState.SCORED, TrialState.RACED_OUT, TrialState.FAILED], [0, 1, 1])
        with monkeypatch.context() as patched:
            patched.setattr(store, "writing", lambda: pytest.fail("it takes the lock of writers"))
            planned = prune(store, keep=0, dry=True)
        assert prune(store, keep=0) == planned


@settings(anything, max_examples=8)
@given(
    states=st.lists(st.lists(st.sampled_from(STATES), min_size=1, max_size=5), min_size=1, max_size=3),
    keep=st.integers(0, 1),
    measurements=st.sampled_from(["lost", "all", "none"]),
)
def test_a_dry_run_tells_exactly_what_would_be_dropped(
    states: list[list[TrialState]], keep: int, measurements: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_store(tmp_path_factory.mktemp("prune") / "store.db") as store:
        for found in states:
            fill(store, found, [0] * len(found))
        planned = prune(store, keep=keep, measurements=measurements, dry=True)
        assert prune(store, keep=keep, measurements=measurements) == planned


def test_a_long_run_is_pruned_in_short_transactions_and_says_so_once(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winners, "CHUNK", 10)
    with open_store(where) as store:
        run = fill(store, [TrialState.FAILED] * 35, [0] * 35)
        planned = prune(store, keep=0, dry=True)
        changed = longest_transaction(store, monkeypatch)
        assert prune(store, keep=0) == planned
        assert planned.exchanges == planned.prompts == 35
        assert 10 <= max(changed) <= 10 * (1 + 2) + 2
        (told,) = (event for event in store.events(run) if event.kind == "pruned")
        assert (told.facts["exchanges"], told.facts["measurements"]) == (35, planned.measurements)
        assert told.facts["why"] == f"35 exchanges, {planned.measurements} measurements dropped"


def test_a_run_that_was_pruned_in_part_says_so_and_is_pruned_to_its_end(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winners, "CHUNK", 10)
    with open_store(where) as store:
        run = fill(store, [TrialState.FAILED] * 35, [0] * 35)
        whole = prune(store, keep=0, dry=True)
        left = iter((True, True, False))
        monkeypatch.setattr(prune_module, "replayed", lambda _: () if next(left, True) else (run,))
        part = prune(store, keep=0)
        assert (part.runs, part.left, part.exchanges) == ((run,), (run,), 19)
        assert store.events(run)[-1].facts["exchanges"] == 19
        rest = prune(store, keep=0)
        assert rest.exchanges == whole.exchanges - 19
        assert check(store).problems == ()


def longest_transaction(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the rows that each transaction from now on changes."""
    changed: list[int] = []
    writing = store.writing

    @contextmanager
    def counted() -> Iterator[Connection]:
        with writing() as connection:
            changed.append(0)
            listen(connection, "after_cursor_execute", count)
            yield connection
            remove(connection, "after_cursor_execute", count)

    def count(_: object, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith(("DELETE", "UPDATE", "INSERT")):
            changed[-1] += max(cursor.rowcount, 0)

    monkeypatch.setattr(store, "writing", counted)
    return changed


@pytest.mark.parametrize("full", [False, True])
def test_a_vacuum_that_locks_others_out_waits_for_whoever_is_at_work(where: str, full: bool) -> None:
    with open_store(where) as store, open_store(where) as driving:
        queue = Queue(store)
        job = queue.submit(CONFIG, owner="ann").id
        refused = full or not where.startswith("postgresql")
        vacuum(store, full=full)
        assert queue.take("here", cpus=2) is not None
        if refused:
            with pytest.raises(Conflict, match=f"{job} is at work .*--anyway"):
                vacuum(store, full=full)
        vacuum(store, full=full, anyway=True)
        with store.writing() as connection:
            connection.execute(text("UPDATE job SET lease_until = 1"))
        run = driving.create_run(CONFIG, SUITE, {})
        if refused:
            with pytest.raises(Conflict, match=f"{run} is at work"):
                vacuum(store, full=full)
        driving.finish(run, "finished", {})
        vacuum(store, full=full)


def test_vacuum_gives_the_room_back(where: str) -> None:
    with open_store(where) as store:
        for _ in range(3):
            fill(store, [TrialState.FAILED] * 150, [0] * 150)
        prune(store, keep=0)
        done = vacuum(store)
        assert where.startswith("postgresql") or done.after < 0.9 * done.before
        assert check(store).problems == ()
        found = vacuum(store, full=True)
        assert found.after < (found.before if where.startswith("postgresql") else found.before + 1)
        assert check(store).problems == ()


HARMS = {
    "UPDATE source SET text = (SELECT messages FROM prompt LIMIT 1)": "source ",
    "UPDATE prompt SET messages = (SELECT text FROM source LIMIT 1)": "prompt ",
    "UPDATE candidate SET domain = 'other' WHERE id IN (SELECT candidate FROM candidate_slot)": "candidate ",
    "UPDATE environment SET facts = '{}'": "environment ",
    'UPDATE run SET report = \'{"best": {"candidate": "0123"}}\'': "run ",
    "DELETE FROM verdict_measurement WHERE position = 0": "verdict ",
    "DELETE FROM verdict_family": "verdict ",
}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: " ".join(str(harm).split()[:3]))
def test_a_check_names_what_does_not_hold_together(harm: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        fill(store, [TrialState.SCORED], [0])
        assert check(store).problems == ()
        with store.writing() as connection:
            connection.execute(text(harm))
        found = check(store).problems
    assert found
    assert all(problem.startswith((HARMS[harm], "candidate ")) for problem in found)


def test_a_check_finds_a_reference_that_leads_nowhere(tmp_path: Path) -> None:
    import sqlite3

    with open_store(tmp_path / "store.db") as store:
        fill(store, [TrialState.SCORED], [0])
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("DELETE FROM source")
    connection.close()
    with open_store(tmp_path / "store.db") as store:
        assert any("points to a source that is not there" in problem for problem in check(store).problems)


def test_parents_from_elsewhere_are_counted_and_no_problem(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1, parents=("feedfeedfeedfeed", BASELINE.id)))
        found = check(store)
    assert found.unknown_parents == 2  # the baseline was not recorded either
    assert found.problems == ()
    assert set(found.rows) == set(schema.Base.metadata.tables)


def test_a_pruned_store_is_backed_up_as_it_is(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        run = fill(store, [TrialState.SCORED, TrialState.FAILED], [0, 0])
        prune(store, keep=0)
        backup(store, tmp_path / "copy.db")
        with open_store(tmp_path / "copy.db") as copy:
            assert copy.trials(run) == store.trials(run)
