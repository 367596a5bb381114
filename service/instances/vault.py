"""Uploaded instances: read while they stream in, kept once, by the SHA-256 of their plain content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from slotforge.lineage import blobs
from slotforge.lineage.blobs import BlobRecord
from slotforge.lineage.store import SqlStore
from slotforge.search import named_suites
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.reader import Reader
from slotforge.service.instances.upload import Upload


class Vault:
    """The uploaded instances of a store. Safe to share between threads."""

    def __init__(self, store: SqlStore, limits: Limits | None = None) -> None:
        self.store = store
        self.limits = limits or Limits()

    def reader(self) -> Reader:
        """Return what reads the files of one request."""
        return Reader(self.limits)

    def receive(self, name: str, *, owner: str, reader: Reader | None = None) -> Upload:
        """Begin an upload: `write` to it, then `finish`.

        Args:
            name: of the client's file; for people only.
            reader: of the files of one request; None is one of its own.
        """
        return Upload(self.store, self.limits, reader or self.reader(), name=name, owner=owner, alone=reader is None)

    def add(
        self,
        pieces: Iterable[bytes],
        *,
        name: str,
        owner: str,
        reader: Reader | None = None,
        told: list[str] | None = None,
    ) -> BlobRecord:
        """Take in a file; raises FormulaError when it is damaged, too large or no CNF file.

        Args:
            reader: as for `receive`.
            told: list that receives one line for each departure from the format that was tolerated.
        """
        with self.receive(name, owner=owner, reader=reader) as upload:
            for piece in pieces:
                upload.write(piece)
            record = upload.finish()
            if told is not None:
                told += upload.warnings
            return record

    def record(self, ref: str) -> BlobRecord:
        """Return what is known of an instance, by its id or the beginning of it; raises UnknownId."""
        return blobs.blob(self.store, ref)

    def records(self, *, limit: int, after: tuple[float, str] | None = None) -> tuple[BlobRecord, ...]:
        """List the instances, the newest first. after: `blobs.place` of the last one that is known already."""
        return blobs.blobs(self.store, limit=limit, after=after)

    def packed(self, ref: str) -> Iterator[bytes]:
        """Return the content as the pieces of a gzip file; raises UnknownId at once."""
        return blobs.parts(self.store, self.record(ref).id)

    def fetch(self, ref: str) -> Path:
        """Return a local file with the plain content, verified by its hash."""
        return named_suites.fetch(self.store, self.record(ref).id)

    def remove(self, ref: str) -> BlobRecord:
        """Remove an instance; raises InUse when a suite holds it."""
        return blobs.remove(self.store, ref)
