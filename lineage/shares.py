"""Keep what operators and models have brought to runs: the trials that they had a part in, and what answers cost.

A trial and its exchanges may be written in any order; an exchange counts as soon as its trial is there as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, func, select

from slotforge.lineage import schema
from slotforge.lineage.reads.places import Place, at
from slotforge.lineage.summaries import SCORED, Row, Written, cut, write

Found = Mapping[Any, Any]  # a row that was read, or is written
Answers = Sequence[Found]
Shares = dict[tuple[str, str], Row]  # by run and name


def add(connection: Connection, written: Written) -> None:
    """Sum up the proposals and the exchanges that were just written."""
    fresh = {_place(row): row for row in written["trial"] if row["number"] > 0}
    came = _by_place(row for row in chain(written["call"], written["completion"]) if row["number"] > 0)
    trials = {**fresh, **_trials(connection, came.keys() - fresh.keys())}
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


def _trials(connection: Connection, places: Collection[Place]) -> dict[Place, Found]:
    """Return the trials at some places; those of exchanges that were just paid for are not there yet."""
    row = schema.Trial
    query = select(row.run, row.number, row.operator, row.state, row.ratio).where(at(row, places))
    return {_place(trial): trial for trial in connection.execute(query).mappings()} if places else {}


def _said(
    connection: Connection, places: Collection[Place], came: Mapping[Place, list[Found]]
) -> Mapping[Place, list[Found]]:
    """Return all exchanges of some trials, of which some were just written; mostly a trial has one, and that is it."""
    alone = {place for place in places if len(came.get(place, ())) == 1}
    alone -= _talks(connection, alone)
    read = _answers(connection, [place for place in places if place not in alone])
    return read | {place: came[place] for place in alone}


def _talks(connection: Connection, places: Collection[Place]) -> set[Place]:
    """Find the trials with several exchanges."""
    row = schema.Completion
    query = select(row.run, row.number).where(at(row, places)).group_by(row.run, row.number).having(func.count() > 1)
    return {(run, number) for run, number in connection.execute(query)} if places else set()


def _answers(connection: Connection, places: Collection[Place]) -> dict[Place, list[Found]]:
    """Read all exchanges of some trials."""
    row = schema.Completion
    columns = (row.run, row.number, row.model, row.input_tokens, row.output_tokens, row.usd)
    query = select(*columns).where(at(row, places))
    return _by_place(connection.execute(query).mappings() if places else ())
