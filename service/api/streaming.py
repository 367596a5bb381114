"""Event streams of runs: one look at the database serves all who watch, whatever each of them has been sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Record
from slotforge.lineage import jobs
from slotforge.lineage.reads.progress import MOST
from slotforge.lineage.store import SqlStore
from slotforge.service.api.answers import dumped
from slotforge.service.views.progress import News, Seen, Standing, news

POLL_S = 1.0
SHARE = 4  # a look is followed by a pause of so many times its length at least
AT_ONCE = 4  # looks
HEARTBEAT_S = 15.0
RECENT = 2 * MOST  # messages that are kept for who is a little late
RETRY_MS = 2000
ENDED = (*jobs.ENDED, "interrupted")
Result = TypeVar("Result")
Kind = Literal["trial", "log", "state", "budget"]
log = logging.getLogger("slotforge.service")


@dataclass(frozen=True)
class Message:
    """Something to send. number: of the trial, or of the line of the log, that it tells."""

    kind: Kind
    number: int
    data: str


@dataclass
class Sent:
    """What has been sent: trials and lines of the log, and the last word on everything else."""

    seen: Seen
    last: dict[Kind, str] = field(default_factory=dict)

    def take(self, message: Message) -> bool:
        """Take in a message; whether it is none of those before."""
        if message.kind == "trial":
            known = message.number in self.seen.trials
            self.seen.trials.add(message.number)
        elif message.kind == "log":
            known = message.number in self.seen.log
            self.seen.add_line(message.number)
        else:
            known = self.last.get(message.kind) == message.data
            self.last[message.kind] = message.data
        return not known

    def encode(self, message: Message) -> bytes:
        """Write a message down, with what has been sent once it is."""
        return _encoded(message, str(self.seen) if message.kind in ("trial", "log") else None)


@lru_cache(1024)
def _encoded(message: Message, id_: str | None) -> bytes:
    """Write a message down, once for all who have been sent the same."""
    return format_sse_event(event=message.kind, data_str=message.data, id=id_)


@dataclass(eq=False)
class Feed:
    """What is sent to all who watch a run.

    sent: what has been sent; None before anything was looked up.
    first: place of the oldest message that is kept.
    """

    run: str
    watchers: int = 0
    sent: Sent | None = None
    standing: Standing | None = None
    recent: deque[Message] = field(default_factory=deque)
    first: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def end(self) -> int:
        """The place of the next message."""
        return self.first + len(self.recent)

    def publish(self, found: News) -> None:
        """Send what is new to all who watch."""
        assert self.sent is not None
        fresh = list(filter(self.sent.take, told(found)))
        self.recent.extend(fresh)
        while len(self.recent) > RECENT:
            self.recent.popleft()
            self.first += 1
        if not found.more:
            self.standing = found.standing
        if fresh:
            self.changed.set()
            self.changed = asyncio.Event()


def told(found: News) -> Iterator[Message]:
    """Say what is new, and, unless there is more to come, how the run stands."""
    yield from (Message("log", one.id, _json(one)) for one in found.log)
    yield from (Message("trial", one.number, _json(one)) for one in found.trials)
    if not found.more:
        yield Message("budget", 0, _json(found.spent))
        yield Message("state", 0, _json(found.standing))


def _json(record: Record) -> str:
    """Write a record down on one line, also for readers that take U+2028 and its like, which JSON leaves, for ends."""
    return dumped(record, ascii=True).decode()


def ended(standing: Standing | None) -> bool:
    """Whether there will be no more messages."""
    return standing is not None and standing.state in ENDED


@dataclass
class Leave:
    """The leave to read a stream, which may be withdrawn while it is open."""

    valid: Callable[[], bool]
    looked: float = field(default_factory=time.monotonic)

    async def withdrawn(self, look: Callable[..., Awaitable[bool]]) -> bool:
        """Say whether it was, as far as was looked up lately; where the store does not say, it stands."""
        if time.monotonic() - self.looked < HEARTBEAT_S:
            return False
        self.looked = time.monotonic()
        try:
            return not await look(self.valid)
        except SlotforgeError as error:
            log.warning("event streams cannot look at keys: %s", error)
            return False


@dataclass(eq=False)
class Hub:
    """Looks at the runs that are watched, again and again, as long as somebody watches."""

    store: SqlStore
    feeds: dict[str, Feed] = field(default_factory=dict)
    closed: bool = False
    _task: asyncio.Task[None] | None = None
    _limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    async def stream(self, run: str, seen: Seen, valid: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield the events of a run from where somebody has seen it to its end, and signs of life in between.

        Args:
            valid: whether they may still see it; asked as often as there is a sign of life.
        """
        feed, sent, leave = await self._enter(run), Sent(seen), Leave(valid)
        try:
            yield format_sse_event(comment="connected", retry=RETRY_MS)
            while True:
                if self.closed:
                    return
                place, standing = feed.end, feed.standing
                async for message, now in self._catch_up(run, seen):
                    standing = now
                    if sent.take(message):
                        yield sent.encode(message)
                while place >= feed.first and not ended(standing):
                    if self.closed or await leave.withdrawn(self.look):
                        return
                    changed = feed.changed
                    if place < feed.end:
                        fresh = islice(feed.recent, place - feed.first, None)
                        place = feed.end
                        if piece := b"".join(sent.encode(message) for message in fresh if sent.take(message)):
                            yield piece
                    elif ended(feed.standing):
                        standing = feed.standing
                    elif not await _within(changed, HEARTBEAT_S):
                        yield KEEPALIVE_COMMENT
                if standing and ended(standing):
                    yield format_sse_event(event="end", data_str=_json(standing))
                    return
        finally:
            self._leave(feed)

    def now(self, run: str) -> Seen | None:
        """Return what all who watch a run have been sent; None where that must be looked up."""
        feed = self.feeds.get(run)
        return None if feed is None or feed.sent is None or ended(feed.standing) else feed.sent.seen.copy()

    def close(self) -> None:
        """End all streams, as the service ends; who reads one comes back to another server, or later."""
        self.closed = True
        for feed in self.feeds.values():
            feed.changed.set()

    async def look(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Ask the store in a thread; few do so at once, however many streams are open."""
        return await to_thread.run_sync(call, *arguments, limiter=self._limiter)

    async def _enter(self, run: str) -> Feed:
        feed = self.feeds.setdefault(run, Feed(run))
        feed.watchers += 1
        try:
            if feed.sent is None:
                seen = await self.look(Seen.all_of, self.store, run)
                feed.sent = feed.sent or Sent(seen)
        except BaseException:
            self._leave(feed)
            raise
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        return feed

    def _leave(self, feed: Feed) -> None:
        feed.watchers -= 1
        if not feed.watchers:
            del self.feeds[feed.run]

    async def _catch_up(self, run: str, seen: Seen) -> AsyncIterator[tuple[Message, Standing | None]]:
        """Tell what is in the database, in the order of numbers, and at last how the run stands."""
        known, more = seen.known, True
        while more:
            found = (await self.look(news, self.store, {run: known}))[run]
            more = found.more
            for message in told(found):
                yield message, None if more else found.standing
            if more:
                known = known.model_copy(update={"after": found.trials[-1].number})

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self.feeds:
                began = loop.time()
                try:
                    await self._publish()
                except Exception:  # all streams hang on this task
                    log.exception("event streams were not told what is new")
                await asyncio.sleep(max(POLL_S, SHARE * (loop.time() - began)))
        finally:
            self._task = None

    async def _publish(self) -> None:
        watched = {run: feed.sent.seen.known for run, feed in self.feeds.items() if feed.sent is not None}
        while watched:
            try:
                found = await self.look(news, self.store, watched)
            except SlotforgeError as error:
                log.warning("event streams cannot look at the store: %s", error)
                return
            for run, one in found.items():
                feed = self.feeds.get(run)
                if feed is not None and feed.sent is not None:  # else all have left meanwhile, and others have come
                    feed.publish(one)
            more = {run: one.trials[-1].number for run, one in found.items() if one.more}
            watched = {run: watched[run].model_copy(update={"after": last}) for run, last in more.items()}


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SqlStore, Hub]] = WeakKeyDictionary()


def hub(store: SqlStore) -> Hub:
    """Return what serves all streams of this event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), {}).setdefault(store, Hub(store))


def close_all() -> None:
    """End all streams of this event loop."""
    for one in _hubs.get(asyncio.get_running_loop(), {}).values():
        one.close()
