"""Asking through pipes: some bytes go in, a number of lines come out, and neither side can hang the other."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

CHUNK = 1 << 20


class Ended(Exception):
    """The other side has closed its pipe."""


class Babble(Exception):
    """The other side says more than it may."""


def exchange(inbox: int, outbox: int, data: bytes, lines: int, limit: int, left: Callable[[], float]) -> list[bytes]:
    """Write bytes and read lines, both at once.

    Args:
        inbox: where to write; must not block.
        outbox: where to read.
        data: what to write.
        lines: how many lines to read.
        limit: of bytes in all of them together.
        left: gives the seconds until it wants to be called again; raises to give up.

    Returns:
        The lines, without their ends.

    Raises:
        Ended, Babble, and whatever `left` raises.
    """
    poll = select.poll()
    poll.register(inbox, select.POLLOUT)
    poll.register(outbox, select.POLLIN)
    rest, got, ends = memoryview(data), bytearray(), 0
    while ends < lines:
        for fd, events in poll.poll(max(left() * 1000, 1)):
            if fd == outbox:
                got += (read := _read(outbox))
                ends += read.count(b"\n")
            elif events & (select.POLLERR | select.POLLHUP):
                raise Ended
            else:
                rest = rest[_write(inbox, rest) :]
                if not rest:
                    poll.unregister(inbox)
        if len(got) > limit:
            raise Babble(f"more than {limit >> 20} MiB")
    if ends > lines or not got.endswith(b"\n"):
        raise Babble("more lines than it was asked for")
    return bytes(got).splitlines()


def _read(outbox: int) -> bytes:
    data = os.read(outbox, CHUNK)
    if not data:
        raise Ended
    return data


def _write(inbox: int, data: memoryview) -> int:
    try:
        return os.write(inbox, data[:CHUNK])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        raise Ended from None
