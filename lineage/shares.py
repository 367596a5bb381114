"""Keep what operators and models have brought to runs: the trials that they had a part in, and what answers cost.

A trial and its exchanges may be written in any order; an exchange counts as soon as its trial is there as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable, Integer, bindparam, func, select

from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.prepared import Prepared, prepared
from slotforge.lineage.reads.places import Place, by_run
from slotforge.lineage.summaries import SCORED, Row, Written, cut, write

Found = Mapping[Any, Any]  # a row that was read, or is written
Answers = Sequence[Found]
Shares = dict[tuple[str, str], Row]  # by run and name

OF, NUMBERS = bindparam("of", type_=Exact()), bindparam("numbers", type_=Integer(), expanding=True)


def add(connection: Connection, written: Written) -> None:
    """Sum up the proposals and the exchanges that were just written."""
    fresh = {_place(row): row for row in written["trial"] if row["number"] > 0}
    came = _by_place(row for row in chain(written["call"], written["completion"]) if row["number"] > 0)
    trials = {**fresh, **{_place(row): row for row in _at(connection, _trials(), came.keys() - fresh.keys())}}
    said = _said(connection, trials, came)
    operators: Shares = defaultdict(_nothing)
    models: Shares = defaultdict(_nothing)
    for place, trial in trials.items():
        run, new = place[0], place in fresh
        answers = said[place] if new else came[place]
        _put(operators[run, trial["operator"]], trial, answers, counts=new)
        in_all = Counter(answer["model"] for answer in said[place])
        for model, times in Counter(answer["model"] for answer in answers).items():
            own = [answer for answer in answers if answer["model"] == model]
            _put(models[run, model], trial, own, counts=times == in_all[model])
    for name, found in (("operator", operators), ("model", models)):
        rows = [{"run": run, name: of, **share} for (run, of), share in found.items()]
        write(connection, f"{name}_share", rows, "run", name)


def _nothing() -> Row:
    return {"trials": 0, "scored": 0, "ratio": None, "calls": 0, "tokens": 0.0, "usd": 0.0}


def _put(share: Row, trial: Found, answers: Answers, *, counts: bool) -> None:
    """Add exchanges of a trial to a share, and the trial itself where it counts: once for each share."""
    if counts:
        share["trials"] += 1
        if trial["state"] in SCORED:
            share["scored"] += 1
            ratios = [one for one in (share["ratio"], trial["ratio"]) if one is not None]
            share["ratio"] = min(ratios, default=None)
    for answer in answers:
        share["calls"] += 1
        share["tokens"] += cut(answer["input_tokens"] + answer["output_tokens"])
        share["usd"] += cut(answer["usd"])


def _place(row: Found) -> Place:
    return row["run"], row["number"]


def _by_place(rows: Iterable[Found]) -> dict[Place, list[Found]]:
    found: dict[Place, list[Found]] = defaultdict(list)
    for row in rows:
        found[_place(row)].append(row)
    return found


def _said(
    connection: Connection, places: Collection[Place], came: Mapping[Place, list[Found]]
) -> Mapping[Place, list[Found]]:
    """Return all exchanges of some trials, of which some were just written; mostly a trial has one, and that is it."""
    alone = {place for place in places if len(came.get(place, ())) == 1}
    alone -= {_place(row) for row in _at(connection, _talks(), alone)}
    read = _by_place(_at(connection, _answers(), [place for place in places if place not in alone]))
    return read | {place: came[place] for place in alone}


def _at(connection: Connection, query: Prepared, places: Iterable[Place]) -> Iterator[Found]:
    """Read rows of some trials, run by run."""
    for run, numbers in by_run(places).items():
        yield from query.mappings(connection, of=run, numbers=numbers)


@prepared
def _trials() -> Executable:
    """Ask for trials; those of exchanges that were just paid for are not there yet."""
    row = schema.Trial
    return select(row.run, row.number, row.operator, row.state, row.ratio).where(row.run == OF, row.number.in_(NUMBERS))


@prepared
def _talks() -> Executable:
    """Ask which trials have several exchanges."""
    row = schema.Completion
    query = select(row.run, row.number).where(row.run == OF, row.number.in_(NUMBERS))
    return query.group_by(row.run, row.number).having(func.count() > 1)


@prepared
def _answers() -> Executable:
    """Ask for all exchanges of trials."""
    row = schema.Completion
    columns = (row.run, row.number, row.model, row.input_tokens, row.output_tokens, row.usd)
    return select(*columns).where(row.run == OF, row.number.in_(NUMBERS))
