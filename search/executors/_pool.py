"""A pool of workers that may be lost at any moment, and the calls that they hold.

A worker gets calls once it has begun, the next one as soon as one of its calls has ended. When it is lost, it is
replaced, and its calls are made again elsewhere: the one that was running counts the loss, those that waited do not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from slotforge.core.errors import KillsWorkers, SandboxError, SlotforgeError, WorkerLost

Result = TypeVar("Result")
log = logging.getLogger("slotforge.workers")

PER_WORKER = 2  # calls a worker holds at once: one that runs, one that waits, so that it is never idle
MOST_CRASHES = 3  # workers that one call may take with it
MOST_NODES = 10  # nodes that may be lost under one call, which is rarely its doing
MOST_STARTS = 10  # workers in a row that are lost before they begin
PATIENCE_S = 60.0  # until it is told that no worker has begun
MOST_WAITS = 10  # times that it is told of nodes that are all too small; a larger one that is started takes less


class Lost(Exception):
    """A worker is gone, with what it ran. process: whether its process alone died, as far as is known, not its node."""

    def __init__(self, why: str, *, process: bool = True) -> None:
        super().__init__(why)
        self.process = process


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Where a worker runs, and why it may not work there, if so."""

    node: str
    refusal: str = ""


class Hand(Protocol):
    """One worker. begun: as soon as it is there; futures of a worker that is gone raise Lost."""

    begun: Future[Begun]

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Future[Any]:
        """Run a function after those it was given before."""

    def dismiss(self) -> None:
        """End it."""


class Crew(Protocol):
    """Where workers come from. needs: what a worker asks of a node, in words."""

    needs: str

    def hire(self, avoid: Collection[str]) -> Hand:
        """Start a worker, on none of these nodes."""

    def nodes(self) -> Collection[str]:
        """Name the nodes that live and could have a worker."""

    def lacking(self) -> str:
        """Say in one line why no worker fits on any node that could measure, were it idle; or nothing."""


@dataclass(eq=False)
class Call:
    """A call, and what was lost while it was running."""

    future: asyncio.Future[Any]
    function: Callable[..., Any]
    arguments: tuple[object, ...]
    losses: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class Seat:
    """A worker's place. node: where it works, once it has begun; calls: that it holds, in the order of their start."""

    hand: Hand
    node: str | None = None
    calls: list[Call] = field(default_factory=list)


class Pool:
    """So many workers of a crew.

    losses: how many "nodes" and "workers" were lost so far.
    """

    def __init__(self, crew: Crew, workers: int) -> None:
        self.losses: Counter[str] = Counter()
        self._crew = crew
        self._refused: dict[str, str] = {}
        self._seats = [Seat(crew.hire(())) for _ in range(workers)]
        self._queue: deque[Call] = deque()
        self._failed_starts, self._late, self._waits = 0, False, 0
        self._told_of_few = False
        self._failure: SlotforgeError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if lacking := crew.lacking():
            log.warning("%s", lacking)

    def submit(self, function: Callable[..., Result], *arguments: object) -> asyncio.Future[Result]:
        """Queue a call; calls start in the order in which they were submitted."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        if loop is not self._loop:
            self._move_to(loop)
        self._queue.append(Call(future, function, arguments))
        if self._failure is not None:
            self._fail(self._failure)
        self._fill()
        return future

    def close(self) -> None:
        """End the workers."""
        for seat in self._seats:
            seat.hand.dismiss()
        self._seats.clear()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of the workers in this loop from now on; nobody waits for the calls of another one."""
        self._loop = loop
        self._queue.clear()
        for seat in self._seats:
            seat.calls.clear()
            if seat.node is None:
                self._await_begin(seat)
        loop.call_later(PATIENCE_S, self._look_again)

    def _look_again(self) -> None:
        """See what no worker tells: that none comes, perhaps because the last node that could have one is gone."""
        self._late = True
        self._fill()
        if self._queue and all(seat.node is None for seat in self._seats):
            if self._hopeless():
                self._fail(SandboxError([*self._refused.values()][-1]))
                return
            lacking = self._crew.lacking()
            self._waits += bool(lacking)
            if self._waits >= MOST_WAITS:
                self._fail(SlotforgeError(lacking))
                return
            why = lacking or f"does a node of the cluster have {self._crew.needs} free?"
            log.warning("no worker has begun for %.0f s: %s", PATIENCE_S, why)
        elif not self._told_of_few:
            begun, needs = sum(seat.node is not None for seat in self._seats), self._crew.needs
            self._told_of_few = 0 < begun < len(self._seats)
            if self._told_of_few:
                log.warning("%d of %d workers have begun: no node has %s free for more", begun, len(self._seats), needs)
        asyncio.get_running_loop().call_later(PATIENCE_S, self._look_again)

    def _hear(self, future: Future[Any], react: Callable[[Future[Any]], None]) -> None:
        loop = self._loop
        assert loop is not None

        def ended(done: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop may have gone, and with it whoever waits
                loop.call_soon_threadsafe(react, done)

        future.add_done_callback(ended)

    def _await_begin(self, seat: Seat) -> None:
        self._hear(seat.hand.begun, lambda done: self._begin(seat, done))

    def _begin(self, seat: Seat, done: Future[Begun]) -> None:
        """Let a worker work, or replace one that may not, or is gone already."""
        if seat not in self._seats or seat.node is not None:
            return None
        if (error := done.exception()) is not None:
            self._failed_starts += 1
            if self._failed_starts >= MOST_STARTS:
                return self._fail(SlotforgeError(f"no worker can be started: {_line(error)}"))
            return self._replace(seat)
        begun, self._failed_starts = done.result(), 0
        if not begun.refusal:
            seat.node = begun.node
            return self._fill()
        if begun.node not in self._refused:
            self._refused[begun.node] = begun.refusal
            log.warning("%s", begun.refusal)
        if self._hopeless():
            return self._fail(SandboxError(begun.refusal))
        return self._replace(seat)

    def _hopeless(self) -> bool:
        """Whether nodes were refused, and there are no others."""
        return bool(self._refused) and all(node in self._refused for node in self._crew.nodes())

    def _replace(self, seat: Seat) -> None:
        with suppress(Exception):  # it is gone anyway
            seat.hand.dismiss()
        new = Seat(self._crew.hire(tuple(self._refused)))
        self._seats[self._seats.index(seat)] = new
        self._await_begin(new)

    def _fill(self) -> None:
        """Hand out what is queued, to the worker with the fewest calls first."""
        while self._queue:
            free = [seat for seat in self._seats if seat.node is not None and len(seat.calls) < self._room]
            if not free:
                return
            call = self._queue.popleft()
            if not call.future.done():
                self._start(min(free, key=lambda seat: len(seat.calls)), call)

    @property
    def _room(self) -> int:
        """How many calls a worker may hold: one as long as another worker may yet come for the next."""
        return PER_WORKER if self._late or all(seat.node is not None for seat in self._seats) else 1

    def _start(self, seat: Seat, call: Call) -> None:
        try:
            running = seat.hand.call(call.function, call.arguments)
        except Exception as error:
            call.future.set_exception(WorkerLost(f"a worker cannot be called: {_line(error)}"))
            return
        seat.calls.append(call)
        self._hear(running, lambda done: self._end(seat, call, done))

    def _end(self, seat: Seat, call: Call, done: Future[Any]) -> None:
        if call not in seat.calls:  # it was taken from there, and is made again
            return None
        error = done.exception()
        if isinstance(error, Lost):
            return self._lose(seat, error)
        seat.calls.remove(call)
        if not call.future.done():
            if error is None:
                call.future.set_result(done.result())
            else:
                call.future.set_exception(error)
        return self._fill()

    def _lose(self, seat: Seat, error: Lost) -> None:
        """Replace a worker, and queue its calls before all others."""
        kind = "workers" if error.process and seat.node in self._crew.nodes() else "nodes"
        self.losses[kind] += 1
        calls, seat.calls = seat.calls, []
        calls[0].losses[kind] += 1
        log.warning("a worker on node %.8s was lost, and what it ran is run again: %s", seat.node, _line(error))
        if calls[0].losses["workers"] >= MOST_CRASHES or calls[0].losses["nodes"] >= MOST_NODES:
            self._give_up(calls.pop(0))
        self._queue.extendleft(reversed(calls))
        self._replace(seat)
        self._fill()

    def _give_up(self, call: Call) -> None:
        lost = " and ".join(f"{count} {kind}" for kind, count in sorted(call.losses.items()))
        if not call.future.done():
            call.future.set_exception(KillsWorkers(f"{lost} were lost while it was running, one after the other"))

    def _fail(self, error: SlotforgeError) -> None:
        """Give up as a whole."""
        self._failure = error
        held = [call for seat in self._seats for call in seat.calls]
        for call in [*held, *self._queue]:
            if not call.future.done():
                call.future.set_exception(error)
        self._queue.clear()
        for seat in self._seats:
            seat.calls.clear()


def _line(error: BaseException) -> str:
    """Shorten what Ray says to its last line's first sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].partition(". ")[0] if lines else type(error).__name__
