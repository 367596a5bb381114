"""The trials of a run or of a candidate: as lines of a list, and one of them whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select, tuple_

from slotforge.core.errors import UnknownId
from slotforge.core.types import Record, Trial, TrialState
from slotforge.lineage import rows, schema
from slotforge.lineage.lookup import find
from slotforge.lineage.reads.listing import Listing, cut
from slotforge.lineage.reads.places import Place, at
from slotforge.lineage.store import SqlStore

OWN = (
    "run", "number", "operator", "slots", "state", "candidate", "reason", "ratio", "instances", "against", "cpu_s",
)  # fmt: skip
CHUNK = 400  # keys in one condition
NUMBERS = 2**31  # more than any number of a trial, and what its column holds


class TrialLine(Record):
    """A trial in a list: see `core.types.Trial`.

    candidate, parents: ids.
    model: who wrote the code; usd, tokens: what all its calls cost.
    """

    run: str
    number: int
    operator: str
    slots: tuple[str, ...]
    parents: tuple[str, ...]
    state: TrialState
    candidate: str | None
    reason: str
    ratio: float | None
    instances: int
    against: int | None
    cpu_s: float
    model: str
    tokens: int
    usd: float


def trials(
    store: SqlStore,
    run: str,
    *,
    states: Collection[TrialState] = (),
    operator: str | None = None,
    limit: int = 50,
    after: int | None = None,
    newest: bool = False,
) -> Listing[TrialLine]:
    """List the trials of a run by number: the controls, which stand below zero, first.

    Args:
        run: its id; it may have no trials yet.
        states: only of these; none is all.
        operator: only of this one.
        after: the number of the last trial that is known.
        newest: the other way round.
    """
    trial = schema.Trial
    query = select(trial.__table__).where(trial.run == run)
    if after is not None:
        query = query.where(trial.number < after if newest else trial.number > after)
    query = query.where(trial.state.in_(sorted(states))) if states else query
    query = query.where(trial.operator == operator) if operator is not None else query
    with store.reading() as connection:
        found = lines(connection, query.order_by(trial.number.desc() if newest else trial.number).limit(limit + 1))
    items, last = cut(found, limit, lambda line: (line.number,))
    return Listing(items=tuple(items), next=last)


def trials_of(
    store: SqlStore, ref: str, *, limit: int = 50, after: tuple[str, int] | None = None
) -> Listing[TrialLine]:
    """List the trials that led to a candidate, by run and number; `after` is the last that is known."""
    trial = schema.Trial
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        query = select(trial.__table__).where(trial.candidate == id_)
        query = query if after is None else query.where(tuple_(trial.run, trial.number) > tuple_(*after))
        found = lines(connection, query.order_by(trial.run, trial.number).limit(limit + 1))
    items, last = cut(found, limit, lambda line: (line.run, line.number))
    return Listing(items=tuple(items), next=last)


def trial(store: SqlStore, run: str, number: int) -> Trial:
    """Return a trial with its exchanges and measurements; raises UnknownId where the run has none of this number."""
    row = schema.Trial
    with store.reading() as connection:
        found = rows.trials(connection, row.run == run, row.number == number) if abs(number) < NUMBERS else ()
    if not found:
        raise UnknownId(f"run {run} has no trial {number}: see its list of trials")
    return found[0]


def operators(store: SqlStore, run: str) -> tuple[str, ...]:
    """Name the operators of a run's trials."""
    row = schema.Trial
    with store.reading() as connection:
        return tuple(sorted(connection.scalars(select(row.operator).distinct().where(row.run == run))))


def lines(connection: Connection, query: Select[Any]) -> list[TrialLine]:
    """Read rows of `schema.Trial` as lines, with parents and what was paid, in a fixed number of queries."""
    found = connection.execute(query).mappings().all()
    places = [(row["run"], row["number"]) for row in found]
    parents, paid = _parents(connection, places), _paid(connection, places)
    return [_line(row, parents[place], paid.get(place, ("", 0, 0.0))) for row, place in zip(found, places, strict=True)]


def _line(row: RowMapping, parents: Sequence[str], paid: tuple[str, int, float]) -> TrialLine:
    model, tokens, usd = paid
    fields = {name: row[name] for name in OWN}
    return TrialLine(**fields, parents=tuple(parents), model=model, tokens=tokens, usd=usd)


def _chunks(places: Sequence[Place]) -> Iterable[Sequence[Place]]:
    return (places[start : start + CHUNK] for start in range(0, len(places), CHUNK))


def _parents(connection: Connection, places: Sequence[Place]) -> dict[Place, list[str]]:
    edge = schema.Parent
    found: dict[Place, list[str]] = defaultdict(list)
    for chunk in _chunks(places):
        of = select(edge.run, edge.number, edge.candidate).where(at(edge, chunk))
        for run, number, candidate in connection.execute(of.order_by(edge.run, edge.number, edge.position)):
            found[run, number].append(candidate)
    return found


def _paid(connection: Connection, places: Sequence[Place]) -> dict[Place, tuple[str, int, float]]:
    """Return who answered last for each trial, and tokens and USD of all answers."""
    call = schema.Completion
    found: dict[Place, tuple[str, int, float]] = {}
    for chunk in _chunks(places):
        columns = (call.run, call.number, call.model, call.input_tokens + call.output_tokens, call.usd)
        of = select(*columns).where(at(call, chunk))
        for run, number, model, tokens, usd in connection.execute(of.order_by(call.run, call.number, call.position)):
            _, before, cost = found.get((run, number), ("", 0, 0.0))
            found[run, number] = (model, before + tokens, cost + usd)
    return found
