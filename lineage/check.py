"""Whether a store holds together: names match contents, references lead somewhere, verdicts have what they rest on."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, LargeBinary, Select, func, select, text, type_coerce

from slotforge.core import types as core
from slotforge.core.ids import content_id
from slotforge.core.prompting import Variant
from slotforge.core.types import Record
from slotforge.lineage import schema, service_schema
from slotforge.lineage.store import SqlStore

BATCH = 1_000  # rows held at once


class Findings(Record):
    """What a check found.

    rows: of each table.
    unknown_parents: candidates that trials were made from and of which nothing else is known: a lineage says so.
    problems: one line each; none where the store is sound.
    """

    store: str
    rows: Mapping[str, int]
    unknown_parents: int
    problems: tuple[str, ...]


def check(store: SqlStore) -> Findings:
    """Read the whole store and hold it against itself."""
    with store.reading() as connection:
        damaged = tuple(damages(connection))
        problems = damaged or (*contents(connection), *dangling(connection))
        tables = schema.Base.metadata.sorted_tables
        return Findings(
            store=store.name,
            rows={t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables},
            unknown_parents=_unknown_parents(connection),
            problems=problems,
        )


def damages(connection: Connection) -> Iterator[str]:
    """Ask a SQLite database whether its file is sound and its references lead somewhere; others see to that."""
    if connection.dialect.name != "sqlite":
        return
    yield from (f"the file: {said}" for said in connection.scalars(text("PRAGMA integrity_check(10)")) if said != "ok")
    for table, _, other, _ in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"a row of {table} points to a {other} that is not there"


def contents(connection: Connection) -> Generator[str]:
    """Name what is stored under a name that is not that of its content."""
    source, prompt, environment = schema.Source, schema.Prompt, schema.Environment
    plain = select(source.id, type_coerce(source.text, LargeBinary))
    yield from _misnamed(connection, "source", plain, lambda packed: _hash(_unpack(packed))[:32])
    plain = select(prompt.id, type_coerce(prompt.messages, LargeBinary))
    yield from _misnamed(connection, "prompt", plain, lambda packed: content_id(json.loads(_unpack(packed)), length=64))
    facts = select(environment.id, environment.facts)
    yield from _misnamed(connection, "environment", facts, content_id)
    yield from _candidates(connection)


def dangling(connection: Connection) -> Iterator[str]:
    """Name what should have more behind it than there is, beyond what the database sees to itself."""
    yield from _variants(connection)
    yield from _winners(connection)
    yield from _verdicts(connection)
    yield from _blobs(connection)


def _misnamed(connection: Connection, kind: str, query: Select[Any, Any], named: Callable[[Any], str]) -> Iterator[str]:
    with connection.execute(query.execution_options(yield_per=BATCH)) as found:
        for id_, content in found:
            try:
                right = named(content) == id_
            except (zlib.error, ValueError):
                right = False
            if not right:
                yield f"{kind} {id_}: its content is another's or damaged"


def _candidates(connection: Connection) -> Iterator[str]:
    """Check the names of candidates; those of their sources are checked apart, so equal ones are read once."""
    row, slot, source = schema.Candidate, schema.CandidateSlot, schema.Source
    packed = type_coerce(source.text, LargeBinary)
    joined = select(row.id, row.domain, slot.slot, packed).outerjoin(slot, slot.candidate == row.id)
    query = joined.outerjoin(source, source.id == slot.source).order_by(row.id).execution_options(yield_per=BATCH)
    with connection.execute(query) as found:
        for (id_, domain), slots in groupby(found, key=lambda line: (line[0], line[1])):
            try:
                made = {name: _text(content) for *_, name, content in slots if name is not None}
            except (zlib.error, ValueError):
                continue  # said of the source
            if core.Candidate(domain=domain, slots=made).id != id_:
                yield f"candidate {id_}: its slots are another's or incomplete"


def _variants(connection: Connection) -> Iterator[str]:
    row = schema.PromptVariant
    for id_, operator, sections in connection.execute(select(row.id, row.operator, row.sections)):
        if Variant.model_construct(operator=operator, sections=sections).id != id_:
            yield f"variant {id_} of a prompt: its content is another's or damaged"


def _winners(connection: Connection) -> Iterator[str]:
    """Look up the best candidate of each report."""
    run, candidate = schema.Run, schema.Candidate
    for id_, report in connection.execute(select(run.id, run.report).where(run.report.is_not(None))):
        best = (report.get("best") or {}).get("candidate")
        if best and connection.scalar(select(candidate.id).where(candidate.id == best)) is None:
            yield f"run {id_}: its best candidate {best} is not there"


def _verdicts(connection: Connection) -> Iterator[str]:
    verdict, part, paired = schema.Verdict, schema.VerdictFamily, schema.VerdictMeasurement
    overall = select(part.id).where(part.verdict == verdict.id, part.family.is_(None)).exists()
    yield from (
        f"verdict {n}: its figures are not there" for n in connection.scalars(select(verdict.id).where(~overall))
    )
    count, last = func.count(), func.max(paired.position)
    torn = select(paired.verdict).group_by(paired.verdict).having((count % 2 != 0) | (last + 1 != count))
    yield from (f"verdict {n}: some of its measurements are not there" for n in connection.scalars(torn))


def _blobs(connection: Connection) -> Iterator[str]:
    """Find uploads of which pieces are missing."""
    blob, part = service_schema.Blob, service_schema.BlobPart
    query = select(blob.id, func.count(part.position), func.max(part.position)).outerjoin(part, part.blob == blob.id)
    for id_, count, last in connection.execute(query.group_by(blob.id)):
        if not count or last + 1 != count:
            yield f"instance {id_}: pieces of its content are not there"


def _unknown_parents(connection: Connection) -> int:
    parent, candidate = schema.Parent, schema.Candidate
    known = select(candidate.id).where(candidate.id == parent.candidate).exists()
    return connection.scalar(select(func.count(parent.candidate.distinct())).where(~known)) or 0


def _unpack(packed: bytes) -> bytes:
    return zlib.decompress(packed)


def _text(packed: bytes) -> str:
    return _unpack(packed).decode("utf-8", "surrogatepass")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
