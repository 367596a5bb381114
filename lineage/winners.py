"""What pruning spares: the candidates that won, with all that they descend from, and what is yet to be replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from slotforge.lineage import schema
from slotforge.lineage.jobs import OVER
from slotforge.lineage.service_schema import Job

REPLAY = "replay:"
CHUNK = 500


class Winners:
    """The winners as a transaction sees them; looked up anew where something may have won since."""

    def __init__(self) -> None:
        self._stamp: tuple[Any, ...] | None = None
        self._found: frozenset[str] = frozenset()

    def now(self, connection: Connection) -> frozenset[str]:
        """Return the candidates that verdicts, reports and exports are about, with all that they descend from."""
        run = schema.Run
        told = (func.max(schema.Verdict.id), func.max(schema.Artefact.id), func.count(run.report), func.max(run.ended))
        stamp = tuple(connection.scalar(select(one)) for one in told)
        if stamp != self._stamp:
            self._stamp, self._found = stamp, _winners(connection)
        return self._found


def _winners(connection: Connection) -> frozenset[str]:
    verdict, artefact = schema.Verdict, schema.Artefact
    found = {*connection.scalars(select(verdict.candidate)), *connection.scalars(select(verdict.against))}
    found |= {*connection.scalars(select(artefact.candidate))}
    for report in connection.scalars(select(schema.Run.report).where(schema.Run.report.is_not(None))):
        found |= set(_named(report))
    trial, parent = schema.Trial, schema.Parent
    newest = found
    while newest:
        edges = select(parent.candidate).join(trial, (trial.run == parent.run) & (trial.number == parent.number))
        older = {
            id_
            for chunk in chunks(newest)
            for id_ in connection.scalars(edges.where(trial.candidate.in_(chunk)).distinct())
        }
        newest = older - found
        found |= newest
    return frozenset(found)


def _named(report: Any) -> Iterator[str]:
    """Yield the candidates that a report names, wherever it does."""
    if isinstance(report, dict):
        for name, value in report.items():
            if isinstance(value, str) and (name == "candidate" or name.endswith("_candidate")):
                yield value
            else:
                yield from _named(value)
    elif isinstance(report, list):
        for value in report:
            yield from _named(value)


def replayed(connection: Connection) -> tuple[str, ...]:
    """Return how the ids of the runs begin that a job or a run replays which may yet go on."""
    asked = (select(table.config).where(table.state.not_in(OVER)) for table in (Job, schema.Run))
    configs = [config for query in asked for config in connection.scalars(query)]
    parts = (part.strip() for config in configs for part in str(config.get("model", "")).split(","))
    refs = (part.removeprefix(REPLAY).strip().lower() for part in parts if part.startswith(REPLAY))
    return tuple(sorted({ref for ref in refs if ref}))


def chunks(found: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut into lists that a query takes."""
    ordered = sorted(found)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]
