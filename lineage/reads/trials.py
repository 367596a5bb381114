"""The trials of a run or of a candidate: as lines of a list, and one of them whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Integer, Select, bindparam, select, tuple_

from slotforge.core.errors import UnknownId
from slotforge.core.types import Record, Trial, TrialState
from slotforge.lineage import rows, schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.listing import Listing, cut
from slotforge.lineage.reads.places import Place
from slotforge.lineage.store import SqlStore

OWN = (
    "run", "number", "operator", "slots", "state", "candidate", "reason", "ratio", "instances", "against", "cpu_s",
)  # fmt: skip
CHUNK = 512  # numbers in one condition
NOTHING = ("", 0, 0.0)  # was paid: see `TrialLine`
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
    values = {"after": after, "states": sorted(states) or None, "operator": operator}
    given = {name: value for name, value in values.items() if value is not None}
    with store.reading() as connection:
        rows = _of_run(*given, newest=newest).mappings(connection, run=run, most=limit + 1, **given)
        found = lines(connection, rows)
    items, last = cut(found, limit, lambda line: (line.number,))
    return Listing(items=tuple(items), next=last)


def trials_of(
    store: SqlStore, ref: str, *, limit: int = 50, after: tuple[str, int] | None = None
) -> Listing[TrialLine]:
    """List the trials that led to a candidate, by run and number; `after` is the last that is known."""
    given = dict(zip(("after_run", "after"), after or (), strict=False))
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        rows = _of_candidate(bool(given)).mappings(connection, candidate=id_, most=limit + 1, **given)
        found = lines(connection, rows)
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


@prepared
def _of_run(*given: str, newest: bool) -> Executable:
    """Write the query for some trials of a run. given: names of the parameters that choose them."""
    trial, after = schema.Trial, bindparam("after", type_=Integer())
    conditions = {
        "after": trial.number < after if newest else trial.number > after,
        "states": trial.state.in_(bindparam("states", type_=trial.state.type, expanding=True)),
        "operator": trial.operator == bindparam("operator", type_=trial.operator.type),
    }
    query = _trials().where(trial.run == bindparam("run", type_=Exact()), *(conditions[name] for name in given))
    return query.order_by(trial.number.desc() if newest else trial.number).limit(bindparam("most", type_=Integer()))


@prepared
def _of_candidate(after: bool) -> Executable:
    trial, candidate = schema.Trial, bindparam("candidate", type_=Exact())
    last = tuple_(bindparam("after_run", type_=Exact()), bindparam("after", type_=Integer()))
    query = _trials().where(trial.candidate == candidate)
    query = query.where(tuple_(trial.run, trial.number) > last) if after else query
    return query.order_by(trial.run, trial.number).limit(bindparam("most", type_=Integer()))


def _trials() -> Select[Any]:
    return select(*(getattr(schema.Trial, name) for name in OWN))


def lines(connection: Connection, found: Sequence[Mapping[Any, Any]]) -> list[TrialLine]:
    """Make lines of rows of `schema.Trial`, with parents and what was paid, in two queries for each of their runs."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in found:
        numbers[row["run"]].append(row["number"])
    parents: dict[Place, list[str]] = defaultdict(list)
    paid: dict[Place, tuple[str, int, float]] = {}
    for run, some in _parts(numbers):
        for number, candidate in _parents().rows(connection, run=run, numbers=some):
            parents[run, number].append(candidate)
        for number, model, tokens, usd in _paid().rows(connection, run=run, numbers=some):
            _, before, cost = paid.get((run, number), NOTHING)
            paid[run, number] = (model, before + tokens, cost + usd)
    places = ((row["run"], row["number"]) for row in found)
    return [_line(row, parents[place], paid.get(place, NOTHING)) for row, place in zip(found, places, strict=True)]


def _line(row: Mapping[Any, Any], parents: Sequence[str], paid: tuple[str, int, float]) -> TrialLine:
    model, tokens, usd = paid
    fields = {name: row[name] for name in OWN}
    return TrialLine(**fields, parents=tuple(parents), model=model, tokens=tokens, usd=usd)


def _parts(numbers: Mapping[str, list[int]]) -> Iterator[tuple[str, list[int]]]:
    for run, of in numbers.items():
        yield from ((run, of[start : start + CHUNK]) for start in range(0, len(of), CHUNK))


@prepared
def _parents() -> Executable:
    edge = schema.Parent
    query = select(edge.number, edge.candidate).where(*_at(edge))
    return query.order_by(edge.number, edge.position)


@prepared
def _paid() -> Executable:
    call = schema.Completion
    query = select(call.number, call.model, call.input_tokens + call.output_tokens, call.usd).where(*_at(call))
    return query.order_by(call.number, call.position)


def _at(table: Any) -> tuple[ColumnElement[bool], ...]:
    numbers = bindparam("numbers", type_=Integer(), expanding=True)
    return table.run == bindparam("run", type_=Exact()), table.number.in_(numbers)
