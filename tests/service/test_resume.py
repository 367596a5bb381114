"""`resume` at a store that servers work on: the queue's runs go on through the queue, and no other way."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.errors import Conflict
from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import Queue
from slotforge.testing import hills
from slotforge.testing.store_samples import SUITE

from .conftest import Command


@pytest.fixture
def where(tmp_path: Path) -> str:
    return str(tmp_path / "s.db")


def queued(where: str, *, opened: bool = True) -> str:
    """Put a search into the queue, and open its run as its server does."""
    with open_store(where) as store:
        job = Queue(store).submit(hills.config(), owner="ann").id
        return store.create_run(hills.config(), SUITE, {}, run=job) if opened else job


@pytest.mark.parametrize("opened", [True, False])
def test_a_run_of_the_queue_goes_on_through_the_queue(opened: bool, cli: Command, where: str) -> None:
    job = queued(where, opened=opened)
    for wish, state in (("", "queued"), ("pause", "paused")):
        if wish:
            cli(wish, job, "--store", where)
            assert cli("show", job, "--store", where, "--json").json["run"]["state"] == state
            assert "paused" in cli("show", job, "--store", where).out
        answer = cli("resume", job, "--store", where)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith(f"{job} is queued: a server goes on with it")
        assert len(answer.out.splitlines()) == 1
    assert cli("resume", job, "--store", where, "--json").json["state"] == "queued"
    assert "leave --take-over out" in cli("resume", job, "--take-over", "--store", where).error
    with open_store(where) as store:
        assert Queue(store).take("a") is not None, "nobody has driven it"
        assert len(store.events(job)) == (2 if opened else 0), "paused, queued, and none that it was resumed"


def test_a_job_that_has_failed_is_queued_again(cli: Command, where: str) -> None:
    job = queued(where)
    with open_store(where) as store:
        lease = Queue(store).take("a")
        assert lease is not None
        Queue(store).release(lease, "failed", why="the model is down")
    assert f"{job} is queued" in cli("resume", job, "--store", where).out


@pytest.mark.parametrize("opened", [True, False])
def test_a_cancelled_run_is_not_revived(opened: bool, cli: Command, where: str) -> None:
    job = queued(where, opened=opened)
    cli("cancel", job, "--store", where)
    for option in ((), ("--take-over",)):
        answer = cli("resume", job, *option, "--store", where)
        assert answer.code == 2
        assert f"run {job} was cancelled" in answer.error
        assert "slotforge discover" in answer.error
    assert cli("show", job, "--store", where, "--json").json["run"]["state"] == "cancelled"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_who_holds_no_lease_may_not_drive_a_run_of_the_queue(
    database: str, request: pytest.FixtureRequest, where: str
) -> None:
    where = request.getfixturevalue("postgres") if database == "postgres" else where
    job = queued(where)
    with open_store(where) as store:
        lease = Queue(store).take("a")
        assert lease is not None
        for take_over in (False, True):
            with pytest.raises(Conflict, match=f"run {job} is of the queue, and running: `slotforge resume {job}`"):
                store.lock_run(job, take_over=take_over)
        with open_store(where, guard=lease.guard) as held:
            held.lock_run(job, take_over=True)
        Queue(store).wish(job, "cancel")
        Queue(store).release(lease, "queued")
        with pytest.raises(Conflict, match=f"run {job} was cancelled"):
            store.lock_run(job)
