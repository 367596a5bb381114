"""How a job is left: by what its process met, and by what its owner wishes at that moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO

import pytest
from sqlalchemy import update

from slotforge.core.errors import Dropped, ModelError, SlotforgeError, StoreError, Unavailable, WorkerLost
from slotforge.lineage import schema
from slotforge.lineage.dropped import NO_PROMPT
from slotforge.lineage.leases import Lease
from slotforge.lineage.rows import prompt_row
from slotforge.lineage.store import SqlStore, open_store
from slotforge.lineage.writer import execute
from slotforge.service.jobs.ended import Ended
from slotforge.service.jobs.queue import JobRecord, Queue
from slotforge.service.jobs.runner import Order, Runner
from slotforge.service.jobs.work import KINDS
from slotforge.testing import hills, landscape
from slotforge.testing.store_samples import SUITE, sample_call, sample_trial


def taken(queue: Queue, **changes: object) -> Lease:
    queue.submit(hills.config(**changes), owner="ann")
    lease = queue.take("a")
    assert lease is not None
    return lease


def leave(queue: Queue, lease: Lease, work: Callable[[Queue], Ended], monkeypatch: pytest.MonkeyPatch) -> JobRecord:
    """Drive a job as its process does, and return how it stands then."""
    with FileIO(os.open(os.devnull, os.O_RDONLY)) as nothing:
        runner = Runner(Order(store=str(queue.store.url), lease=lease), nothing)
        monkeypatch.setattr(runner, "_work", work)
        runner._let_go(queue, runner._drive(queue))
    return queue.job(lease.job)


@pytest.mark.parametrize(
    ("error", "state", "attempts"),
    [
        (Unavailable("the store is locked"), "queued", 0),
        (StoreError("the store is damaged"), "queued", 1),
        (WorkerLost("a worker was killed"), "queued", 1),
        (ValueError("unforeseen"), "queued", 1),
        (Dropped("the exchanges were dropped"), "failed", 0),
        (ModelError("no answer"), "failed", 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_a_store_that_is_unavailable_is_waited_for_without_end(
    error: Exception, state: str, attempts: int, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: Queue) -> Ended:
        raise error

    left = leave(queue, taken(queue), work, monkeypatch)
    assert (left.state, left.attempts) == (state, attempts)
    assert str(error) in left.why


def test_a_job_that_replays_what_was_dropped_fails_and_says_why(
    store: SqlStore, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(hills.config(), SUITE, {})
    store.record(sample_trial(run, 1).model_copy(update={"calls": (sample_call(1),)}))
    with store.writing() as connection:
        execute(connection, [prompt_row(NO_PROMPT)])
        row = schema.Completion
        connection.execute(update(row).where(row.run == run).values(prompt=NO_PROMPT.id, text=""))
    lease = taken(queue, model=f"replay:{run}")
    job = queue.job(lease.job)
    left = leave(queue, lease, lambda _: KINDS[job.kind](job, store), monkeypatch)
    assert (left.state, left.attempts) == ("failed", 0)
    assert f"the exchanges of run {run} were dropped by `slotforge db prune`" in left.why


def test_a_search_that_fails_says_so_once(store: SqlStore, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SlotforgeError("the disk is full")

    monkeypatch.setattr(landscape.Landscape, "measure", fail)
    lease = taken(queue)
    job = queue.job(lease.job)
    with open_store(str(store.url.render_as_string(hide_password=False)), guard=lease.guard) as own:
        left = leave(queue, lease, lambda _: KINDS[job.kind](job, own), monkeypatch)
    assert (left.state, left.why, store.run(lease.job).state) == ("failed", "the disk is full", "failed")
    history = [(event.kind, event.facts) for event in store.events(lease.job)]
    assert history == [("started", {}), ("failed", {"why": "the disk is full"})]


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_outlives_the_shutdown_of_the_server(wish: str, state: str, store: SqlStore, queue: Queue) -> None:
    lease = taken(queue)
    store.create_run(hills.config(), SUITE, {}, run=lease.job)
    queue.wish(lease.job, wish)  # type: ignore[arg-type]
    queue.release(lease, "queued")
    assert (queue.job(lease.job).state, queue.job(lease.job).wish) == (state, "")
    assert store.run(lease.job).state == state


def test_a_pause_that_is_taken_back_before_the_job_is_left_is_none(store: SqlStore, queue: Queue) -> None:
    lease = taken(queue)
    store.create_run(hills.config(), SUITE, {}, run=lease.job)
    queue.wish(lease.job, "pause")
    assert queue.renew(lease) == "pause"
    queue.wish(lease.job, "resume")
    queue.release(lease, "paused")
    assert queue.job(lease.job).state == "queued"
    assert queue.take("b") is not None


def test_a_job_that_finishes_is_finished_whatever_was_wished(queue: Queue) -> None:
    lease = taken(queue)
    queue.wish(lease.job, "cancel")
    queue.release(lease, "finished")
    assert queue.job(lease.job).state == "finished"


def test_a_process_is_interrupted_once_however_often_it_is_asked(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr("signal.pthread_kill", lambda _, number: sent.append(number))
    with FileIO(os.open(os.devnull, os.O_RDONLY)) as nothing:
        runner = Runner(Order(store=str(queue.store.url), lease=taken(queue)), nothing)
        for wish in ("pause", "pause", "cancel"):
            runner._obey(wish)
    assert len(sent) == 1
