"""Artefacts in the database, so that every server on it gives out what any of them has built."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from slotforge.core.errors import SlotforgeError, UnknownId
from slotforge.lineage import blobs
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import shelf
from slotforge.service.artefacts.shelf import ArtefactRecord

PIECE = 1 << 20


def keep(store: SqlStore, record: ArtefactRecord, path: Path) -> None:
    """Keep an artefact in the database, unless it is there."""
    if blobs.artefact(store, record.id) is None:
        name, facts = blobs.ARTEFACT + record.id, record.model_dump(mode="json")
        blobs.keep(store, name, _pieces(path), name=record.file, owner="", size=record.size, facts=facts)


def find(store: SqlStore, id_: str) -> tuple[ArtefactRecord, Path]:
    """Find an artefact that was built on any server, and its file, which is laid out here if need be.

    Raises:
        UnknownId: there is none of this id.
        SlotforgeError: what is kept of it is damaged.
    """
    try:
        return shelf.known(id_)
    except UnknownId:
        kept = blobs.artefact(store, id_) if shelf.ID.fullmatch(id_) else None
        if kept is None:
            raise
    record = ArtefactRecord.model_validate(kept.facts)
    with shelf.draft() as draft:
        digest = hashlib.sha256()
        with (draft / Path(record.file).name).open("wb") as file:
            for piece in blobs.parts(store, kept.id):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != record.sha256:
            raise SlotforgeError(f"the content of artefact {id_} is damaged: export {record.candidate} again")
        return shelf.put(draft, record)


def there(store: SqlStore, ids: Collection[str]) -> frozenset[str]:
    """Return which of some artefacts can be downloaded from here."""
    return blobs.artefacts(store, ids) | {id_ for id_ in ids if shelf.holds(id_)}


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
