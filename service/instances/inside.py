"""The inner end of `reader`: unpacks and checks the files that come on standard input, one after the other.

It runs in the sandbox: python -m slotforge.service.instances.inside. Either way go frames: a letter, the length of the
rest in four bytes, and the rest.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from slotforge.core.errors import FormulaError
from slotforge.service.instances import unpack
from slotforge.service.instances.unpack import TooLarge, Unpacker
from slotforge.solvers.sat import scan
from slotforge.solvers.sat.scan import Scanner

FILE, DATA, END = b"N", b"D", b"E"
PLAIN, DONE, FACTS, REFUSED = b"P", b"K", b"F", b"X"
HEAD = 5


def main() -> None:
    """Serve until input ends."""
    come, go = sys.stdin.buffer, sys.stdout.buffer
    while header := frame(come):
        try:
            _file(json.loads(header[1]), come, go)
        except FormulaError as error:
            send(go, REFUSED, json.dumps({"why": str(error), "large": isinstance(error, TooLarge)}).encode())


def _file(asked: dict[str, Any], come: IO[bytes], go: IO[bytes]) -> None:
    """Read one file; raises FormulaError as soon as something is wrong with it: then no more of it comes."""
    name, limits = asked["name"], asked["limits"]
    scanner = Scanner(name, scan.Most(**{each: limits[each] for each in ("variables", "clauses", "literals")}))

    def take(plain: bytes) -> None:
        scanner.feed(plain)
        send(go, PLAIN, plain)

    most = unpack.Most(**{each: limits[each] for each in ("plain_bytes", "ratio", "memory")})
    unpacker = Unpacker(name, most, take)
    while (said := frame(come)) and said[0] == DATA:
        unpacker.feed(said[1])
        send(go, DONE)
    unpacker.close()
    facts = scanner.close()
    if not facts.clauses:
        raise FormulaError(f"{name}: holds no clause")
    told = {name: getattr(facts, name) for name in ("variables", "clauses", "literals", "warnings")}
    send(go, FACTS, json.dumps(told).encode())


def frame(come: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Read a frame; None at the end."""
    head = come.read(HEAD)
    return (head[:1], come.read(int.from_bytes(head[1:], "big"))) if len(head) == HEAD else None


def send(go: IO[bytes], kind: bytes, rest: bytes = b"") -> None:
    """Write a frame; all but plain content goes out at once."""
    go.write(kind + len(rest).to_bytes(HEAD - 1, "big") + rest)
    if kind != PLAIN:
        go.flush()


if __name__ == "__main__":
    main()
