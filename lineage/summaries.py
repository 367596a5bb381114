"""Keep the tables of `summary_schema`: in the transaction that writes what they sum up, so that both agree always.

Rows go in one order for all processes, table by table and key by key: so none waits for another in a circle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, case, select, tuple_

from slotforge.core import types as core
from slotforge.core.ids import content_id
from slotforge.lineage import schema
from slotforge.lineage.prepared import Insertion, insert_into
from slotforge.lineage.summary_schema import (
    FamilyStanding,
    Maker,
    ModelShare,
    OperatorShare,
    RunTotal,
    SlotSet,
    Standing,
    Tally,
)

Row = dict[str, Any]
Written = Mapping[str, Sequence[Row]]  # rows by kind, see `rows.KINDS`

SCORED = (core.TrialState.SCORED.value, core.TrialState.CONFIRMED.value)  # before a verdict, and after a good one
SPENT = ("input_tokens", "output_tokens", "usd", "latency_s")
SUMS = ("trials", "calls", "cpu_s", *SPENT)
SHARED = ("trials", "scored", "calls", "tokens", "usd")
MOST = 1e300
STARTED = select(schema.Run.started).where(schema.Run.id == bindparam("of"))


@cache
def insertions(dialect: str) -> Mapping[str, Insertion]:
    """Make the statement that brings each summary up to date."""
    insert = partial(insert_into, dialect)

    def sums(table: Any, names: Sequence[str], **more: Callable[[Any], Any]) -> Insert:
        statement = insert(table)
        new = statement.excluded
        values = {name: getattr(table, name) + new[name] for name in names}
        values |= {name: of(new) for name, of in more.items()}
        made: Insert = statement.on_conflict_do_update(index_elements=table.__table__.primary_key.columns, set_=values)
        return made

    def least(table: Any, names: Sequence[str], order: Sequence[str], *unless: Any) -> Insert:
        statement = insert(table)
        new = statement.excluded
        less = tuple_(*(new[name] for name in order)) < tuple_(*(getattr(table, name) for name in order))
        made: Insert = statement.on_conflict_do_update(
            index_elements=table.__table__.primary_key.columns,
            set_={name: new[name] for name in names},
            where=less if not unless else unless[0] & less,
        )
        return made

    def newest(table: Any) -> Insert:
        statement = insert(table)
        new, names = statement.excluded, ("rank", "ratio", "low", "high", "run", "verdict")
        made: Insert = statement.on_conflict_do_update(
            index_elements=table.__table__.primary_key.columns,
            set_={name: new[name] for name in names},
            where=table.verdict.is_(None) | (table.verdict < new.verdict),
        )
        return made

    def lower(table: Any) -> Callable[[Any], Any]:
        return lambda new: case((table.ratio.is_(None) | (new.ratio < table.ratio), new.ratio), else_=table.ratio)

    statements = {
        "slot_set": insert(SlotSet).on_conflict_do_nothing(),
        "maker": least(Maker, ("rank", "started", "run", "number"), ("rank", "started", "run", "number")),
        "tally": sums(Tally, ("trials",)),
        "run_total": sums(RunTotal, SUMS, ratio=lower(RunTotal)),
        "operator_share": sums(OperatorShare, SHARED, ratio=lower(OperatorShare)),
        "model_share": sums(ModelShare, SHARED, ratio=lower(ModelShare)),
        "searched": least(Standing, ("ratio", "run"), ("ratio", "run"), Standing.verdict.is_(None)),
        "judged": newest(Standing),
        "family_searched": least(FamilyStanding, ("ratio", "run"), ("ratio", "run"), FamilyStanding.verdict.is_(None)),
        "family_judged": newest(FamilyStanding),
    }
    return {name: Insertion(statement) for name, statement in statements.items()}


def add(connection: Connection, written: Written) -> dict[str, Row]:
    """Sum up rows that were just written: trials with all that belongs to them, exchanges, candidates.

    Args:
        written: "completion" holds only those that were not there before.

    Returns:
        The slot sets of the candidates, by id.
    """
    slots: dict[str, list[str]] = defaultdict(list)
    for row in written["candidate_slot"]:
        slots[row["candidate"]].append(row["slot"])
    sets = {row["id"]: slot_set(row["domain"], slots[row["id"]]) for row in written["candidate"]}
    write(connection, "slot_set", {row["id"]: row for row in sets.values()}.values(), "id")
    trials = written["trial"]
    if trials:
        _add_makers(connection, trials)
        write(connection, "tally", _tallies(Counter((row["run"], row["state"]) for row in trials)), "run", "state")
    if trials or written["call"] or written["completion"]:
        write(connection, "run_total", _totals(written), "run")
    return sets


def confirmed(connection: Connection, run: str, trials: int) -> None:
    """Count that so many trials went from scored to confirmed."""
    scored, better = SCORED
    write(connection, "tally", _tallies({(run, scored): -trials, (run, better): trials}), "run", "state")


def slot_set(domain: str, slots: Iterable[str]) -> Row:
    """Write down which slots of a domain are replaced together."""
    return _slot_set(domain, tuple(sorted(slots)))


@cache
def _slot_set(domain: str, slots: tuple[str, ...]) -> Row:
    return {"id": content_id({"domain": domain, "slots": list(slots)}), "domain": domain, "slots": list(slots)}


def write(connection: Connection, name: str, found: Iterable[Row], *key: str) -> None:
    """Bring a summary up to date, in the order of the key."""
    ordered = sorted(found, key=lambda row: tuple(row[column] for column in key))
    if ordered:
        insertions(connection.dialect.name)[name].write(connection, ordered)


def _add_makers(connection: Connection, trials: Sequence[Row]) -> None:
    started = {run: connection.scalars(STARTED, {"of": run}).one() for run in {row["run"] for row in trials}}
    least: dict[str, tuple[int, float, str, int]] = {}
    for row in trials:
        if candidate := row["candidate"]:
            rank = 2 * (row["state"] not in SCORED) + (row["ratio"] is None)
            place = (rank, started[row["run"]], row["run"], row["number"])
            least[candidate] = min(place, least.get(candidate, place))
    names = ("rank", "started", "run", "number")
    found = [{"candidate": candidate, **dict(zip(names, place, strict=True))} for candidate, place in least.items()]
    write(connection, "maker", found, "candidate")


def _tallies(counts: Mapping[tuple[str, str], int]) -> list[Row]:
    return [{"run": run, "state": state, "trials": trials} for (run, state), trials in counts.items()]


def _totals(written: Written) -> list[Row]:
    """Sum up trials and exchanges by run."""
    totals: dict[str, Row] = defaultdict(lambda: {"ratio": None, **dict.fromkeys(SUMS, 0)})
    for row in written["trial"]:
        total = totals[row["run"]]
        total["cpu_s"] += cut(row["cpu_s"])
        if row["number"] > 0:
            total["trials"] += 1
            if row["state"] in SCORED and row["ratio"] is not None:
                total["ratio"] = row["ratio"] if total["ratio"] is None else min(row["ratio"], total["ratio"])
    for row in (*written["call"], *written["completion"]):
        total = totals[row["run"]]
        total["calls"] += 1
        for name in SPENT:
            total[name] += cut(row[name])
    return [{"run": run, **total} for run, total in totals.items()]


def cut(value: float) -> float:
    """Keep an addend of a sum small enough that no sum overflows."""
    return min(max(value, -MOST), MOST)
