"""The queue: who is next, who may, who has it, and what becomes of a job that its holder has lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from slotforge.core.errors import Conflict, StoreError, Unavailable, UnknownId, UsageError
from slotforge.core.types import Budget, Call, Completion, Prompt, RunConfig, Spending
from slotforge.lineage import blobs, clock, driver, leases, servers
from slotforge.lineage.leases import ATTEMPTS, Lease, LeaseLost
from slotforge.lineage.service_schema import ApiKey, Job, Server
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Queue
from slotforge.testing import hills
from slotforge.testing.store_samples import SUITE, sample_trial

TAKERS = Path(__file__).with_name("takers.py")


def submit(queue: Queue, owner: str = "ann", priority: int = 0, **changes: object) -> JobRecord:
    return queue.submit(hills.config(**changes), owner=owner, priority=priority)


def take(queue: Queue, holder: str = "a", cpus: int | None = None) -> Lease:
    lease = queue.take(holder, cpus=cpus)
    assert lease is not None
    return lease


def limit(store: SqlStore, owner: str, **limits: float) -> None:
    usual = {"digest": owner, "scopes": ["run"], "created": 0.0, "revoked": False}
    with store.writing() as connection:
        connection.execute(insert(ApiKey).values(name=owner, **usual, **limits))


def pass_lease(store: SqlStore, job: str) -> None:
    with store.writing() as connection:
        connection.execute(update(Job).where(Job.id == job).values(lease_until=clock.now(connection) - 1))


def until(holds: Callable[[], bool]) -> None:
    """Wait for something for a while."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def spend(store: SqlStore, job: str, usd: float) -> None:
    """Let a run cost so much: half for an answer, half for a question that was not answered."""
    run = store.create_run(hills.config(), SUITE, {}, run=job)
    store.record_spending(run, store.open_session(run), Spending(usd=usd / 2))
    prompt = Prompt(operator="mutate", messages=(("user", "write"),))
    store.record_call(
        run, 1, Call(stage="propose", prompt=prompt, completion=Completion(text="", model="m", usd=usd / 2))
    )
    store.flush()


def test_of_eight_processes_exactly_one_takes_a_job(where: str, queue: Queue) -> None:
    jobs = {submit(queue).id for _ in range(40)}
    said = subprocess.run([sys.executable, str(TAKERS), where], capture_output=True, text=True, timeout=120)
    taken = [line.split() for line in said.stdout.splitlines()]
    assert sorted(job for _, job, _ in taken) == sorted(jobs), said.stderr
    assert {fence for _, _, fence in taken} == {"1"}
    assert len({taker for taker, _, _ in taken}) > 1, "one process took them all: nothing was tested"


def test_higher_priority_goes_first_and_then_the_older_job(queue: Queue) -> None:
    old, new, urgent = submit(queue), submit(queue), submit(queue, priority=5)
    assert [take(queue).job for _ in range(3)] == [urgent.id, old.id, new.id]
    assert queue.take("a") is None


def test_a_job_that_was_submitted_before_is_found_and_not_made_again(queue: Queue) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [*pool.map(lambda _: queue.submit(hills.config(), owner="ann", id="0123456789"), range(8))]
    assert {job.id for job in made} == {"0123456789"}
    take(queue)
    assert queue.submit(hills.config(), owner="ann", id="0123456789").state == "running"
    assert len(queue.jobs()) == 1


def test_an_owner_may_let_so_many_jobs_wait_and_no_more(store: SqlStore) -> None:
    queue = Queue(store, most_queued=2)
    first = queue.submit(hills.config(), owner="ann", id="0123456789")
    submit(queue)
    submit(queue, owner="bob")
    with pytest.raises(Conflict, match="ann has 2 jobs in the queue, and may have no more: wait"):
        submit(queue)
    assert queue.submit(hills.config(), owner="ann", id="0123456789") == first
    take(queue)
    submit(queue)


def test_pausing_jobs_makes_no_room_for_others(store: SqlStore) -> None:
    queue = Queue(store, most_queued=2)
    for _ in range(2):
        queue.wish(submit(queue).id, "pause")
    with pytest.raises(Conflict, match="may have no more: wait, or cancel some"):
        submit(queue)
    queue.wish(queue.jobs()[0].id, "cancel")
    submit(queue)


def test_servers_that_take_jobs_lock_the_limits_of_owners_in_one_order(postgres: str) -> None:
    owners = [f"user{n}" for n in range(6)]
    with open_store(postgres) as one, open_store(postgres) as other, ThreadPoolExecutor(8) as pool:
        for turn in range(36):
            submit(Queue(one), owners[(turn * 5) % 6], priority=turn % 3)
        for owner in owners:
            limit(one, owner, runs=1)
        taken = [*pool.map(lambda turn: Queue((one, other)[turn % 2]).take(f"s{turn}"), range(24))]
        assert sum(lease is not None for lease in taken) == len(owners)
        assert {job.owner for job in Queue(one).jobs(states=("running",))} == set(owners)


def test_no_job_waits_for_an_upload_of_its_owner(postgres: str) -> None:
    with open_store(postgres) as one, open_store(postgres) as other, ThreadPoolExecutor(1) as pool:
        limit(one, "ann", bytes=2)
        job, taken = submit(Queue(other), "ann").id, list[Lease | None]()

        def parts() -> Iterator[bytes]:
            yield b"x"
            taken.append(pool.submit(Queue(other).take, "server").result(30))
            yield b"y"

        blobs.keep(one, "a" * 64, parts(), name="a.cnf", owner="ann", size=2, facts={})
    assert [lease.job for lease in taken if lease] == [job]


def test_a_job_that_needs_more_cpus_than_are_free_is_not_overtaken(queue: Queue) -> None:
    large = submit(queue, executor="process", workers=8)
    submit(queue)
    assert queue.take("a", cpus=4) is None
    assert take(queue).job == large.id


def test_work_that_is_done_on_a_cluster_needs_one_cpu_of_the_server(queue: Queue) -> None:
    far = submit(queue, executor="ray", workers=64)
    assert (far.cpus, take(queue, cpus=1).cpus) == (64, 1)


def test_the_limit_of_jobs_at_once_lets_the_next_wait_and_says_why(store: SqlStore, queue: Queue) -> None:
    limit(store, "ann", runs=1)
    first, second, other = submit(queue), submit(queue), submit(queue, owner="bob")
    lease = take(queue)
    assert lease.job == first.id
    assert take(queue).job == other.id
    assert queue.take("a") is None
    assert queue.job(second.id).why == "ann may run 1 jobs at once"
    queue.release(lease, "finished")
    assert take(queue).job == second.id
    assert queue.job(second.id).why == ""


def test_the_limit_of_cpus_counts_all_that_runs(store: SqlStore, queue: Queue) -> None:
    limit(store, "ann", cpus=4)
    submit(queue, executor="process", workers=3)
    second = submit(queue, executor="process", workers=2)
    take(queue)
    assert queue.take("a") is None
    assert queue.job(second.id).why == "ann may use 4 CPUs at once: 3 are in use, and this job needs 2"


def test_the_limit_of_dollars_counts_what_is_spent_and_what_running_jobs_may_still_spend(
    store: SqlStore, queue: Queue
) -> None:
    limit(store, "ann", usd=10.0)
    model = {"model": "openai:m"}
    first, second, third = (submit(queue, budget=Budget(usd=usd), **model) for usd in (6.0, 3.0, 3.0))
    lease = take(queue)
    spend(store, first.id, 2.0)
    assert take(queue).job == second.id
    assert queue.take("a") is None
    said = "ann may spend 10 USD a month: 9.00 are spent or set aside, and this job may still cost 3.00"
    assert queue.job(third.id).why == said
    queue.release(lease, "finished")  # 4 of its 6 dollars were not needed
    assert take(queue).job == third.id


def test_what_was_spent_in_an_earlier_month_does_not_count(store: SqlStore, queue: Queue) -> None:
    limit(store, "ann", usd=10.0)
    first, second = (submit(queue, model="openai:m", budget=Budget(usd=9.0)) for _ in range(2))
    lease = take(queue)
    spend(store, first.id, 9.0)
    queue.release(lease, "finished")
    assert queue.take("a") is None
    with store.writing() as connection:
        connection.execute(update(Job).where(Job.id == first.id).values(changed=clock.now(connection) - 32 * 86_400))
    assert take(queue).job == second.id


def test_a_run_that_may_cost_without_end_is_refused_where_its_owner_may_not(store: SqlStore, queue: Queue) -> None:
    limit(store, "ann", usd=10.0)
    with pytest.raises(UsageError, match="ann may spend a limited amount a month: give the run a budget in USD"):
        submit(queue, model="offline,openai:m")
    assert submit(queue, model="offline,replay:abc").usd == 0.0
    assert submit(queue, owner="bob", model="openai:m").usd is None


def test_what_its_owner_may_never_use_is_refused_for_it_would_wait_for_ever(store: SqlStore, queue: Queue) -> None:
    limit(store, "ann", cpus=2, usd=10.0)
    with pytest.raises(UsageError, match="ann may use 2 CPUs at once, and this job needs 4: give it fewer workers"):
        submit(queue, executor="process", workers=4)
    said = "ann may spend 10 USD a month, and this job may cost 12: give it a smaller budget"
    with pytest.raises(UsageError, match=said):
        submit(queue, model="openai:m", budget=Budget(usd=12.0))
    limit(store, "eve", runs=0)
    with pytest.raises(UsageError, match="eve may run no jobs"):
        submit(queue, owner="eve")
    assert queue.jobs() == ()


def test_a_job_that_has_failed_can_be_given_up(queue: Queue) -> None:
    job = submit(queue)
    queue.release(take(queue), "failed", why="the model is down")
    with pytest.raises(Conflict, match="it cannot pause any more"):
        queue.wish(job.id, "pause")
    assert queue.wish(job.id, "cancel").state == "cancelled"
    with pytest.raises(Conflict, match="it cannot resume any more"):
        queue.wish(job.id, "resume")


def test_a_lease_that_is_over_lets_another_take_the_job_and_the_first_do_nothing(store: SqlStore, queue: Queue) -> None:
    job = submit(queue)
    stale = take(queue, "a")
    assert queue.reap() == ()
    pass_lease(store, job.id)
    assert queue.reap() == (job.id,)
    assert queue.job(job.id).why == "server a gave no sign of life"
    fresh = take(queue, "b")
    assert (stale.fence, fresh.fence) == (1, 2)
    for deed in (queue.renew, lambda lease: queue.release(lease, "finished"), lambda lease: queue.retry(lease, "")):
        with pytest.raises(LeaseLost, match=f"job {job.id} is no longer driven by a"):
            deed(stale)
    assert queue.renew(fresh) == ""


def test_a_job_whose_server_is_gone_from_this_machine_is_put_back_at_once(store: SqlStore, queue: Queue) -> None:
    job = submit(queue)
    take(queue, "a")
    servers.sign(store, "a", {"process": driver.this_process()})
    assert queue.reap() == ()
    servers.sign(store, "a", {"process": {**driver.this_process(), "start": 0}})
    assert queue.reap() == (job.id,)


def test_who_has_lost_a_job_can_write_nothing_of_it(where: str, store: SqlStore, queue: Queue) -> None:
    job = submit(queue)
    lease = take(queue, "a")
    guarded = open_store(where, guard=lease.guard)
    run = guarded.create_run(hills.config(), SUITE, {}, run=job.id)
    guarded.record(sample_trial(run, 0))
    guarded.flush()
    pass_lease(store, job.id)
    queue.reap()
    take(queue, "b")
    before = (list(store.trials(run)), store.events(run), store.run(run))
    with pytest.raises(LeaseLost):
        guarded.open_session(run)
    guarded.record(sample_trial(run, 1))
    with pytest.raises(LeaseLost):
        guarded.flush()
    with pytest.raises(LeaseLost):
        guarded.finish(run, "finished", {})
    with pytest.raises(LeaseLost):
        guarded.close()
    assert (list(store.trials(run)), store.events(run), store.run(run)) == before


@pytest.mark.parametrize("deed", ["renew", "retry", "release"])
def test_a_holder_that_freezes_while_it_tells_of_its_job_does_not_keep_it(postgres: str, deed: str) -> None:
    """It has locked the row of the job: of a machine that is lost nobody would learn, and nobody could take the job."""
    with open_store(postgres) as store, open_store(postgres) as other:
        job = submit(Queue(store))
        lease = take(Queue(store, lease_s=1.0))
        frozen = store.writing()
        connection = frozen.__enter__()
        deeds = {
            "renew": lambda: leases.renew(connection, lease, further=False),
            "retry": lambda: leases.retry(connection, lease, "it broke"),
            "release": lambda: leases.release(connection, lease, "queued"),
        }
        deeds[deed]()
        until(lambda: Queue(other).reap() == (job.id,))
        with pytest.raises(StoreError):
            frozen.__exit__(None, None, None)
        assert Queue(other).job(job.id).state == "queued"


def test_the_holder_that_has_a_transaction_open_keeps_its_job_until_that_ends(
    postgres: str,
) -> None:
    with open_store(postgres) as store, open_store(postgres) as other:
        queue, elsewhere = Queue(store), Queue(other)
        job = submit(queue)
        lease = take(queue)
        pass_lease(store, job.id)
        with store.writing() as connection:
            lease.guard(connection)
            assert elsewhere.reap() == ()
        assert elsewhere.reap() == (job.id,)


def test_a_process_that_freezes_within_a_transaction_loses_its_job_all_the_same(postgres: str) -> None:
    with open_store(postgres) as store, open_store(postgres) as other:
        job = submit(Queue(other))
        lease = take(Queue(other, lease_s=1.0))

        def freeze() -> None:
            with store.writing() as connection:
                lease.guard(connection)
                while not Queue(other).reap():
                    time.sleep(0.05)
                connection.execute(delete(Server))

        with pytest.raises(StoreError):
            freeze()
        assert Queue(other).job(job.id).state == "queued"


def test_nobody_waits_for_ever_for_a_process_that_froze_while_it_sent_statements(postgres: str) -> None:
    """PostgreSQL does not see that it is idle; its server must get to where it finds that the lease is over."""
    with open_store(postgres) as store, open_store(postgres) as other:
        job = submit(Queue(store))
        queue = Queue(store, lease_s=0.5)
        lease = take(queue)
        with other.writing() as frozen:
            frozen.execute(select(Job.id).where(Job.id == job.id).with_for_update())
            deeds = (queue.renew, lambda one: queue.release(one, "queued"), lambda one: queue.retry(one, "it broke"))
            for deed in deeds:
                with pytest.raises(Unavailable):
                    deed(lease)
            until(lambda: queue.held("a") == {})


def test_a_job_is_given_up_after_some_attempts_that_got_no_further(store: SqlStore, queue: Queue) -> None:
    job = submit(queue)
    for attempt in range(1, ATTEMPTS + 1):
        lease = take(queue)
        assert queue.job(job.id).attempts == attempt
        queue.retry(lease, "it broke")
        if attempt < ATTEMPTS:
            assert queue.take("a") is None, "it should wait a little"
        pass_lease(store, job.id)
    ended = queue.job(job.id)
    assert ended.state == "failed"
    assert ended.why == f"given up after {ATTEMPTS} attempts in a row that got no further, the last one: it broke"
    assert queue.wish(job.id, "resume").state == "queued"
    assert take(queue).job == job.id


def test_an_attempt_that_the_database_broke_off_does_not_count(queue: Queue) -> None:
    job = submit(queue)
    queue.retry(take(queue), "the store does not answer", counted=False)
    assert (queue.job(job.id).state, queue.job(job.id).attempts) == ("queued", 0)


def test_an_attempt_that_got_further_and_was_then_broken_off_counts_as_none(queue: Queue) -> None:
    job = submit(queue)
    lease = take(queue)
    queue.renew(lease, further=True)
    queue.retry(lease, "the store does not answer", counted=False)
    assert queue.job(job.id).attempts == 0


def test_attempts_are_counted_anew_once_a_job_gets_further(queue: Queue) -> None:
    job = submit(queue)
    queue.renew(take(queue), further=True)
    assert queue.job(job.id).attempts == 0


def test_wishes_for_a_job_that_waits_come_true_at_once(queue: Queue) -> None:
    job = submit(queue)
    assert queue.wish(job.id, "pause").state == "paused"
    assert queue.take("a") is None
    assert queue.wish(job.id, "resume").state == "queued"
    assert queue.wish(job.id, "cancel").state == "cancelled"
    for wish in ("pause", "resume", "cancel"):
        with pytest.raises(Conflict, match=f"job {job.id} is cancelled: it cannot {wish} any more"):
            queue.wish(job.id, wish)


def test_wishes_for_a_job_that_runs_are_told_to_its_holder(queue: Queue) -> None:
    job = submit(queue)
    lease = take(queue)
    assert queue.wish(job.id, "pause").wish == "pause"
    assert queue.renew(lease) == "pause"
    assert queue.wish(job.id, "resume").wish == ""
    queue.wish(job.id, "cancel")
    queue.retry(lease, "it was killed before it could obey")
    assert (queue.job(job.id).state, queue.job(job.id).wish) == ("cancelled", "")


def test_a_run_stands_as_its_job_does(store: SqlStore, queue: Queue) -> None:
    job = submit(queue)
    lease = take(queue)
    store.create_run(hills.config(), SUITE, {}, run=job.id)
    for wish, state in (("pause", "paused"), ("cancel", "cancelled")):
        queue.wish(job.id, wish)  # type: ignore[arg-type]
        queue.release(lease, "queued")
        assert store.run(job.id).state == state
        assert store.events(job.id)[-1].kind == state
        if state == "paused":
            queue.wish(job.id, "resume")
            assert store.run(job.id).state == "queued"
            lease = take(queue)


def test_jobs_are_listed_page_by_page_and_found_by_the_beginning_of_an_id(queue: Queue) -> None:
    made = [submit(queue, owner=f"user{n % 2}") for n in range(5)]
    made.append(queue.submit(ConfirmConfig(candidate="abc", instances=("ksat:40",)), owner="user1"))
    newest = [job.id for job in reversed(made)]
    first = queue.jobs(limit=4)
    assert [job.id for job in (*first, *queue.jobs(limit=4, after=first[-1].id))] == newest
    assert {job.owner for job in queue.jobs(owner="user0")} == {"user0"}
    assert queue.jobs(states=("paused", "running")) == ()
    assert queue.job(made[0].id[:9]) == made[0]
    assert isinstance(made[0].config, RunConfig)
    with pytest.raises(UnknownId, match="no job 'zzz'"):
        queue.job("zzz")


def test_servers_are_listed_with_their_last_sign_of_life(store: SqlStore) -> None:
    servers.sign(store, "a", {"cpus": 1})
    servers.sign(store, "b", {"cpus": 2})
    servers.sign(store, "a", {"cpus": 3})
    assert [(one.id, one.facts, one.alive) for one in servers.servers(store)] == [
        ("a", {"cpus": 3}, True),
        ("b", {"cpus": 2}, True),
    ]
    with store.writing() as connection:
        connection.execute(update(Server).where(Server.id == "a").values(seen=Server.seen - 60))
    assert [one.alive for one in servers.servers(store)] == [False, True]
    servers.leave(store, "a")
    assert [one.id for one in servers.servers(store)] == ["b"]
