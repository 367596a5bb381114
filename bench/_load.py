"""Sends requests at a steady rate over a few connections, and follows event streams; a process of its own.

It is told what to do by a line of JSON on its standard input, and answers with one. A request is timed from the moment
at which it was due, so that a server that falls behind is not asked less often.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

END = b"\r\n\r\n"
OPENED_S = 60.0  # how long streams may take to open


@dataclass
class Load:
    """What is asked, and what came of it.

    plan: a path, and the place in `heads` of what else the request has.
    taken: place in the plan, seconds and status of each answer; late: places of requests that found no free connection
        when they were due.
    """

    host: str
    port: int
    plan: list[tuple[str, int]]
    heads: list[str]
    rate: float
    connections: int
    taken: list[tuple[int, float, int]] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    sent: int = 0
    _free: deque[Connection] = field(default_factory=deque)
    _due: deque[tuple[float, int]] = field(default_factory=deque)

    async def run(self) -> None:
        """Send the plan, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        for _ in range(self.connections):
            _, made = await loop.create_connection(lambda: Connection(self), self.host, self.port)
            self._free.append(made)
        began = time.perf_counter()
        for place in range(len(self.plan)):
            due = began + place / self.rate
            if (wait := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            if not self._free:
                self.late.append(place)
            self._due.append((due, place))
            self._send()
        while self.sent > len(self.taken):
            await asyncio.sleep(0.01)

    def _send(self) -> None:
        while self._free and self._due:
            due, place = self._due.popleft()
            self.sent += 1
            path, head = self.plan[place]
            self._free.popleft().ask(due, place, path, self.heads[head])

    def told(self, connection: Connection, place: int, seconds: float, status: int) -> None:
        """Take an answer."""
        self.taken.append((place, seconds, status))
        self._free.append(connection)
        self._send()


class Connection(asyncio.Protocol):
    """One request at a time; answers have a length."""

    def __init__(self, load: Load) -> None:
        self._load, self._transport = load, asyncio.Transport()
        self._held, self._left = b"", -1
        self._due, self._place, self._status = 0.0, 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, due: float, place: int, path: str, head: str) -> None:
        """Send a request."""
        self._due, self._place, self._status = due, place, 0
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: {self._load.host}\r\n{head}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        if self._left < 0:
            self._held += data
            head, end, data = self._held.partition(END)
            if not end:
                return
            self._held, self._status = b"", int(head[9:12])
            lines = head.lower().split(b"\r\n")
            self._left = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self._load.told(self, self._place, time.perf_counter() - self._due, self._status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count what was under way as an error."""
        if self._status == 0 or self._left >= 0:
            self._load.taken.append((self._place, time.perf_counter() - self._due, 0))


class Stream(asyncio.Protocol):
    """An event stream: counts what comes."""

    def __init__(self, host: str, path: str, head: str) -> None:
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: text/event-stream", head)
        self._request = "\r\n".join((*lines, "", "")).encode()
        self.events, self.open, self.status = 0, False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count the events in a piece of the stream."""
        if not self.status:
            self.status, self.open = int(data[9:12]), data[9:12] == b"200"
        self.events += data.count(b"\ndata:") + data.startswith(b"data:")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Note that it has ended."""
        self.open = False


async def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Open the streams, send the requests once they are open, and say what came of both."""
    loop = asyncio.get_running_loop()
    opened = time.perf_counter()
    heads: list[str] = order["heads"]
    streams: list[Stream] = []
    for path, head in order["streams"]:
        made = partial(Stream, order["host"], path, heads[head])
        streams.append((await loop.create_connection(made, order["host"], order["port"]))[1])
    while not all(one.status for one in streams) and time.perf_counter() - opened < OPENED_S:
        await asyncio.sleep(0.01)
    opening_s = time.perf_counter() - opened
    load = Load(order["host"], order["port"], order["plan"], heads, order["rate"], order["connections"])
    began = time.process_time()
    await load.run()
    return {
        "taken": load.taken,
        "late": load.late,
        "cpu_s": time.process_time() - began,
        "opening_s": opening_s,
        "streams": sum(one.open for one in streams),
        "events": sum(one.events for one in streams),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(json.loads(sys.stdin.readline())))))
