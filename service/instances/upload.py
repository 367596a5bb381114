"""One file on its way in: decompressed, checked and packed anew while it streams, and kept at its end or not at all."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import unicodedata
from collections.abc import Iterator
from types import TracebackType

from slotforge.core.home import home
from slotforge.lineage import blobs
from slotforge.lineage.blobs import BlobRecord
from slotforge.lineage.store import SqlStore
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.reader import Reader
from slotforge.service.instances.unpack import MIB, TooLarge

PART = 4 * MIB  # of plain content, which is about 1 MiB packed
LEVEL = 4  # of compression
LONGEST_NAME = 120


def display_name(name: str) -> str:
    """Turn what a client calls a file into one short line for people: no folders, no control characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in last)
    return " ".join(plain.split())[:LONGEST_NAME] or "unnamed"


class Upload:
    """Takes a file piece by piece; a context manager. Nothing is to be seen of it before `finish` has returned.

    name: of the client's file; for people only.
    reader: unpacks and checks it in the sandbox.
    alone: whether the reader is for nothing else.
    warnings: once it is finished, one line for each departure from the format that was tolerated.
    """

    def __init__(self, store: SqlStore, limits: Limits, reader: Reader, *, name: str, owner: str, alone: bool) -> None:
        self.name, self._owner, self._store = display_name(name), owner, store
        self._limits, self._reader, self._alone = limits, reader, alone
        self._reading = reader.begin(self.name, self._take)
        self._digest = hashlib.sha256()
        self._part = bytearray()
        self._lengths: list[int] = []
        self._size = 0
        self.warnings: tuple[str, ...] = ()
        self._draft = tempfile.TemporaryFile(dir=home())  # noqa: SIM115 # it has no name, and goes with this process

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How long the plain content is, as far as it was sent."""
        return self._size

    def write(self, data: bytes) -> None:
        """Take the next bytes of the file, as it was sent; raises FormulaError as soon as something is wrong."""
        self._reading.feed(data)

    def finish(self) -> BlobRecord:
        """Take the end of the file, and keep it; a content that is there already is kept on, for its owner.

        Raises:
            FormulaError: the file is damaged, too large, no DIMACS CNF file with a clause, or too much for its owner.
        """
        facts = self._reading.close()
        self.warnings = facts.warnings
        self._pack()
        return blobs.keep(
            self._store,
            self._digest.hexdigest(),
            self._parts(),
            name=self.name,
            owner=self._owner,
            size=self._size,
            facts=facts.model_dump(exclude={"warnings"}),
        )

    def close(self) -> None:
        """Forget what is not finished."""
        self._draft.close()
        if self._alone or not self._reading.over:
            self._reader.close()

    def _take(self, plain: bytes) -> None:
        self._size += len(plain)
        if self._size > self._limits.plain_bytes:
            raise TooLarge(f"{self.name}: holds more than {self._limits.plain_bytes} bytes, which is the limit here")
        self._digest.update(plain)
        self._part += plain
        if len(self._part) >= PART:
            self._pack()

    def _pack(self) -> None:
        """Write the part as a gzip stream of its own: all of them one after the other are a gzip file."""
        packed = gzip.compress(self._part, LEVEL, mtime=0)
        self._draft.write(packed)
        self._lengths.append(len(packed))
        self._part.clear()

    def _parts(self) -> Iterator[bytes]:
        self._draft.seek(0)
        for length in self._lengths:
            yield self._draft.read(length)
