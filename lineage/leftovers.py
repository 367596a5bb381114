"""Dropping what a service has kept and nobody needs: old deeds of the audit, exports, and uploads in no suite."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, select

from slotforge.lineage.blobs import uploaded
from slotforge.lineage.jobs import ENDED
from slotforge.lineage.service_schema import Audit, Blob, BlobPart, Job, NamedSuiteItem
from slotforge.lineage.store import SqlStore

CHUNK = 5000  # deeds of one transaction


def deeds(store: SqlStore, before: float, *, dry: bool) -> int:
    """Drop what the audit tells of the time before a moment (seconds since 1970); return how much that is.

    Args:
        dry: only count, here and below.
    """
    old = select(Audit.id).where(Audit.at < before)
    if dry:
        with store.reading() as connection:
            return connection.scalar(select(func.count()).select_from(old.subquery())) or 0
    dropped = 0
    while True:
        with store.writing() as connection:
            some = delete(Audit).where(Audit.id.in_(old.order_by(Audit.id).limit(CHUNK)))
            found = connection.execute(some).rowcount
        dropped += found
        if found < CHUNK:
            return dropped


def uploads(store: SqlStore, before: float, *, dry: bool) -> tuple[int, int]:
    """Drop the instances in no suite that were last uploaded before a moment; a search finds those of suites alone.

    Returns:
        How many, and their bytes.
    """
    held = select(NamedSuiteItem.blob).where(NamedSuiteItem.blob == Blob.id).exists()
    return _drop(store, uploaded() & ~held & (Blob.at < before), dry)


def artefacts(store: SqlStore, before: float, *, dry: bool) -> tuple[int, int]:
    """Drop what was exported before a moment, and can be exported again; as `uploads`."""
    return _drop(store, ~uploaded() & (Blob.at < before), dry)


def ended(store: SqlStore) -> frozenset[str]:
    """Return the jobs that have ended."""
    with store.reading() as connection:
        return frozenset(connection.scalars(select(Job.id).where(Job.state.in_(ENDED))))


def _drop(store: SqlStore, which: ColumnElement[bool], dry: bool) -> tuple[int, int]:
    """Drop blobs, each in a transaction of its own, for it may be large, and only if it still is one of these."""
    with store.reading() as connection:
        found = connection.execute(select(Blob.id, Blob.size).where(which).order_by(Blob.id)).all()
    if dry:
        return len(found), sum(size for _, size in found)
    dropped = []
    for id_, size in found:
        with store.writing() as connection:
            connection.execute(select(Blob.id).where(Blob.id == id_).with_for_update())
            if connection.scalar(select(Blob.id).where(Blob.id == id_, which)) is not None:
                connection.execute(delete(BlobPart).where(BlobPart.blob == id_))
                connection.execute(delete(Blob).where(Blob.id == id_))
                dropped.append(size)
    return len(dropped), sum(dropped)
