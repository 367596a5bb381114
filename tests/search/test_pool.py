"""Workers may be lost at any moment: what they ran is run again, each loss is counted, and nothing goes on for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from slotforge.core.errors import KillsWorkers, SandboxError, SlotforgeError
from slotforge.search.executors import _pool
from slotforge.search.executors._pool import Begun, Lost, Pool


@dataclass(eq=False)
class Man:
    """A worker that does what a test tells it."""

    node: str
    begun: Future[Begun] = field(default_factory=Future)
    calls: list[tuple[Callable[..., Any], tuple[object, ...], Future[Any]]] = field(default_factory=list)
    dismissed: bool = False

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Future[Any]:
        self.calls.append((function, arguments, Future()))
        return self.calls[-1][2]

    def dismiss(self) -> None:
        self.dismissed = True

    def work(self) -> None:
        """Carry out the oldest call."""
        function, arguments, future = self.calls.pop(0)
        future.set_result(function(*arguments))

    def die(self) -> None:
        """Take all calls along, the newest first."""
        while self.calls:
            self.calls.pop()[2].set_exception(Lost("the process is gone"))


@dataclass
class Gang:
    """A crew on some nodes, in turn."""

    living: list[str] = field(default_factory=lambda: ["a", "b"])
    men: list[Man] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    broken: bool = False
    needs: str = "a CPU and 4 GiB of memory"
    small: str = ""

    def hire(self, avoid: Collection[str]) -> Man:
        where = [node for node in self.living if node not in avoid] or self.living
        man = Man(where[len(self.men) % len(where)])
        self.men.append(man)
        if self.broken:
            man.begun.set_exception(Lost("it cannot be started"))
        else:
            refusal = f"node {man.node} is unsafe" if man.node in self.refused else ""
            man.begun.set_result(Begun(node=man.node, refusal=refusal))
        return man

    def nodes(self) -> Collection[str]:
        return set(self.living)

    def lacking(self) -> str:
        return self.small

    @property
    def busy(self) -> list[Man]:
        return [man for man in self.men if man.calls and not man.dismissed]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def square(number: int) -> int:
    return number * number


def test_calls_start_in_order_and_no_worker_holds_more_than_two() -> None:
    async def scene() -> None:
        gang = Gang()
        pool = Pool(gang, 2)
        futures = [pool.submit(square, n) for n in range(7)]
        await settle()
        assert [len(man.calls) for man in gang.men] == [2, 2]
        order = []
        while any(not future.done() for future in futures):
            for man in gang.busy:
                order.append(man.calls[0][1][0])
                man.work()
            await settle()
        assert [*map(str, order)] == sorted(map(str, order))
        assert [future.result() for future in futures] == [n * n for n in range(7)]

    asyncio.run(scene())


def test_what_a_lost_worker_held_is_run_once_again_elsewhere_and_only_the_running_call_counts_it() -> None:
    async def scene() -> None:
        gang = Gang()
        pool = Pool(gang, 1)
        futures = [pool.submit(square, n) for n in range(4)]
        await settle()
        gang.men[0].die()
        await settle()
        assert gang.men[0].dismissed
        assert [arguments for _, arguments, _ in gang.men[1].calls] == [(0,), (1,)]
        for _ in futures:
            gang.men[1].work()
            await settle()
        assert [future.result() for future in futures] == [0, 1, 4, 9]
        assert pool.losses == {"workers": 1}
        assert len(gang.men) == 2

    asyncio.run(scene())


def test_a_call_that_takes_worker_after_worker_along_is_given_up_and_no_other_is() -> None:
    def murder() -> None:
        raise AssertionError("it never comes to its end")

    async def scene() -> None:
        gang = Gang()
        pool = Pool(gang, 2)
        futures: list[asyncio.Future[Any]] = [pool.submit(square, 2), pool.submit(murder)]
        futures += [pool.submit(square, n) for n in range(3, 9)]
        for _ in range(40):
            await settle()
            for man in gang.busy:
                if man.calls[0][0] is murder:
                    man.die()
                else:
                    man.work()
        assert [f.result() for f in futures if f is not futures[1]] == [4, 9, 16, 25, 36, 49, 64]
        with pytest.raises(KillsWorkers, match=r"^3 workers were lost while it was running, one after the other$"):
            futures[1].result()
        assert pool.losses == {"workers": _pool.MOST_CRASHES}

    asyncio.run(scene())


def test_the_loss_of_nodes_is_no_fault_of_what_ran_there() -> None:
    async def scene() -> None:
        gang = Gang(living=[f"n{number}" for number in range(9)])
        pool = Pool(gang, 1)
        future = pool.submit(square, 3)
        for _ in range(5):
            await settle()
            (man,) = gang.busy
            gang.living.remove(man.node)
            man.die()
        await settle()
        gang.busy[0].work()
        await settle()
        assert future.result() == 9
        assert pool.losses == {"nodes": 5}

    asyncio.run(scene())


def test_even_nodes_are_not_lost_for_ever() -> None:
    async def scene() -> None:
        gang = Gang(living=[f"n{number}" for number in range(99)])
        future = Pool(gang, 1).submit(square, 3)
        while not future.done():
            await settle()
            for man in gang.busy:
                gang.living.remove(man.node)
                man.die()
        with pytest.raises(KillsWorkers, match=r"^10 nodes were lost"):
            future.result()

    asyncio.run(scene())


def test_a_node_that_is_not_safe_enough_is_told_once_and_avoided(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        gang = Gang(refused=frozenset({"b"}))
        pool = Pool(gang, 4)
        futures = [pool.submit(square, n) for n in range(8)]
        await settle()
        working = [man for man in gang.men if not man.dismissed]
        assert {man.node for man in working} == {"a"}
        assert len(working) == 4
        while not all(future.done() for future in futures):
            for man in gang.busy:
                man.work()
            await settle()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())
    assert [record.getMessage() for record in caplog.records] == ["node b is unsafe"]


def test_without_any_node_that_is_safe_enough_everything_ends_with_the_reason() -> None:
    async def scene() -> None:
        pool = Pool(Gang(refused=frozenset({"a", "b"})), 2)
        futures = [pool.submit(square, n) for n in range(3)]
        await settle()
        for future in [*futures, pool.submit(square, 3)]:
            with pytest.raises(SandboxError, match=r"^node [ab] is unsafe$"):
                await future

    asyncio.run(scene())


def test_workers_that_never_begin_are_not_hired_for_ever() -> None:
    async def scene() -> None:
        gang = Gang(broken=True)
        pool = Pool(gang, 2)
        with pytest.raises(SlotforgeError, match=r"^no worker can be started: it cannot be started$"):
            await pool.submit(square, 1)
        assert len(gang.men) < 2 + _pool.MOST_STARTS

    asyncio.run(scene())


def test_an_error_of_a_call_is_its_answer() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def scene() -> None:
        gang = Gang()
        future = Pool(gang, 1).submit(fail)
        await settle()
        gang.men[0].calls.pop()[2].set_exception(ValueError("no"))
        with pytest.raises(ValueError, match=r"^no$"):
            await future

    asyncio.run(scene())


def test_a_pool_serves_one_loop_after_another_and_drops_what_nobody_waits_for() -> None:
    gang = Gang()
    pool = Pool(gang, 1)

    async def leave() -> None:
        for n in range(5):
            pool.submit(square, n)
        await settle()

    async def scene() -> int:
        future = pool.submit(square, 7)
        await settle()
        while gang.busy:
            gang.busy[0].work()
        await settle()
        return future.result()

    asyncio.run(leave())
    assert asyncio.run(scene()) == 49
    pool.close()
    assert all(man.dismissed for man in gang.men)


def test_the_last_node_that_could_have_workers_may_go_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        monkeypatch.setattr(_pool, "PATIENCE_S", 0.05)
        gang = Gang(living=["a", "gone"], refused=frozenset({"a"}))
        waits: Future[Begun] = Future()
        gang.hire = lambda avoid: hired(gang, avoid, waits)  # type: ignore[method-assign]
        future = Pool(gang, 1).submit(square, 3)
        await settle()
        assert not future.done()  # it may yet be done on the other node
        gang.living.remove("gone")
        with pytest.raises(SandboxError, match="node a is unsafe"):
            await asyncio.wait_for(future, 120)

    def hired(gang: Gang, avoid: Collection[str], waits: Future[Begun]) -> Man:
        return Man("gone", begun=waits) if avoid else Gang.hire(gang, ())

    asyncio.run(scene())


@dataclass
class Waiting(Gang):
    """A crew whose workers find no room."""

    def hire(self, avoid: Collection[str]) -> Man:  # noqa: ARG002
        self.men.append(Man("", begun=Future()))
        return self.men[-1]


def test_nodes_that_are_all_too_small_are_told_of_at_once_and_waited_for_no_longer_than_a_larger_one_takes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_pool, "PATIENCE_S", 0.01)

    async def scene() -> None:
        pool = Pool(Waiting(small="no node has enough"), 2)
        assert [record.getMessage() for record in caplog.records] == ["no node has enough"]
        futures = [pool.submit(square, n) for n in range(3)]
        for future in futures:
            with pytest.raises(SlotforgeError, match=r"^no node has enough$"):
                await asyncio.wait_for(future, 60)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())
    said = [record.getMessage() for record in caplog.records[1:]]
    assert said == ["no worker has begun for 0 s: no node has enough"] * (_pool.MOST_WAITS - 1)


def test_a_larger_node_that_comes_in_time_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "PATIENCE_S", 0.01)

    async def scene() -> int:
        gang = Waiting(small="no node has enough")
        future = Pool(gang, 1).submit(square, 3)
        await asyncio.sleep(0.03)
        gang.small = ""
        await asyncio.sleep(0.01 * _pool.MOST_WAITS)
        assert not future.done()
        gang.men[0].begun.set_result(Begun(node="a"))
        await settle()
        gang.men[0].work()
        return await future

    assert asyncio.run(scene()) == 9


def test_what_a_free_node_must_have_is_said_where_none_is_free(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_pool, "PATIENCE_S", 0.01)

    async def scene() -> None:
        pool = Pool(Waiting(), 1)
        future = pool.submit(square, 3)
        await asyncio.sleep(0.02 * _pool.MOST_WAITS)
        assert not future.done()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())
    said = {record.getMessage() for record in caplog.records}
    assert said == {"no worker has begun for 0 s: does a node of the cluster have a CPU and 4 GiB of memory free?"}


def test_that_fewer_workers_have_begun_than_were_asked_for_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_pool, "PATIENCE_S", 0.01)

    async def scene() -> None:
        gang = Waiting()
        Pool(gang, 3).submit(square, 3)
        gang.men[0].begun.set_result(Begun(node="a"))
        await asyncio.sleep(0.2)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())
    said = [record.getMessage() for record in caplog.records if "have begun" in record.getMessage()]
    assert said == ["1 of 3 workers have begun: no node has a CPU and 4 GiB of memory free for more"]
