"""What has changed in runs since somebody looked: in a few queries for all of them, however many look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from slotforge.core.types import Record
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.reads.costs import beside
from slotforge.lineage.reads.course import LogLine, log_line
from slotforge.lineage.reads.trials import TrialLine, lines
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED
from slotforge.lineage.summary_schema import RunTotal, Tally

SEARCH = "search"
AT_WORK = "running"
MOST = 1000  # trials of a run that are told at once


class Known(Record):
    """What somebody has seen of a run.

    first, last: a stretch of numbers of trials, all of which are known; a last before the first is none.
    trials: how many are known in all.
    event: all lines of the log up to this id are known.
    after: look at trials beyond this number alone.
    """

    first: int = 0
    last: int = -1
    trials: int = 0
    event: int = 0
    after: int | None = None


class Standing(Record):
    """How a run stands. why: it waits, or ended."""

    state: str
    why: str = ""


class Spent(Record):
    """What a run has spent so far, counted as lists and pages of runs do.

    trials: proposals that have ended; ratio: the best of them, the baseline's among them; None before any.
    cpu_s: of all measurements: see `lineage.records.Usage`.
    """

    trials: int
    ratio: float | None
    tokens: int
    usd: float
    cpu_s: float
    seconds: float


class News(Record):
    """What is new in a run, and may be known in part: trials by number, and lines of the log.

    more: whether there are more trials yet.
    """

    standing: Standing
    spent: Spent
    trials: tuple[TrialLine, ...]
    log: tuple[LogLine, ...]
    more: bool


def news(store: SqlStore, known: Mapping[str, Known]) -> Mapping[str, News]:
    """Look at runs, given by their whole ids, in one snapshot; one that is not there is left out."""
    with store.reading() as connection:
        standings = _standings(store, connection, known)
        counts, spent, log = _counts(connection, known), _spent(connection, known), _log(connection, known)
        found: dict[str, News] = {}
        for run, standing in standings.items():
            fresh = _trials(connection, run, known[run]) if counts.get(run, 0) != known[run].trials else []
            found[run] = News(
                standing=standing,
                spent=spent[run],
                trials=tuple(fresh[:MOST]),
                log=tuple(log[run]),
                more=len(fresh) > MOST,
            )
    return found


def told(store: SqlStore, run: str) -> tuple[list[int], list[int]]:
    """Return the numbers of all trials of a run, and the ids of all lines of its log."""
    trial, event = schema.Trial, schema.Event
    with store.reading() as connection:
        numbers = connection.scalars(select(trial.number).where(trial.run == run).order_by(trial.number)).all()
        logged = connection.scalars(select(event.id).where(event.run == run).order_by(event.id)).all()
    return list(numbers), list(logged)


def _trials(connection: Connection, run: str, known: Known) -> Sequence[TrialLine]:
    row = schema.Trial
    query = select(row.__table__).where(row.run == run).order_by(row.number).limit(MOST + 1)
    query = query if known.after is None else query.where(row.number > known.after)
    if known.last < known.first:
        parts = [query]
    else:
        parts = [query.where(row.number < known.first), query.where(row.number > known.last)]
    return [line for part in parts for line in lines(connection, connection.execute(part).mappings().all())]


def _standings(store: SqlStore, connection: Connection, runs: Iterable[str]) -> dict[str, Standing]:
    """Tell how runs stand, and searches whose runs are not opened yet."""
    of, queries = {"runs": sorted(runs)}, _queries()
    found = {id_: Standing(state=state, why=why) for id_, state, why in connection.execute(queries.asked, of)}
    for id_, state, driver, job, why in connection.execute(queries.begun, of):
        found[id_] = Standing(state=job or store.state_of(state, driver), why=why or "")
    return found


def _counts(connection: Connection, runs: Iterable[str]) -> Mapping[str, int]:
    found = connection.execute(_queries().counted, {"runs": sorted(runs)})
    return {run: int(count) for run, count in found}


def _spent(connection: Connection, runs: Iterable[str]) -> Mapping[str, Spent]:
    ids, queries = sorted(runs), _queries()
    unanswered = {run: rest for run, *rest in connection.execute(queries.lost, {"runs": ids})}
    totals: dict[str, Any] = {row["run"]: row for row in connection.execute(queries.totals, {"runs": ids}).mappings()}
    measured, baselines = beside(connection, ids), _baselines(connection, ids)
    found: dict[str, Spent] = {}
    for run in ids:
        seconds, tokens, usd = unanswered.get(run, (0, 0, 0))
        total = totals.get(run, {})
        ratios = (total.get("ratio"), baselines.get(run))
        found[run] = Spent(
            trials=total.get("trials", 0),
            ratio=min((one for one in ratios if one is not None), default=None),
            tokens=int(total.get("input_tokens", 0) + total.get("output_tokens", 0) + tokens),
            usd=total.get("usd", 0) + usd,
            cpu_s=total.get("cpu_s", 0) + measured.get(run, 0),
            seconds=seconds,
        )
    return found


def _baselines(connection: Connection, runs: Sequence[str]) -> Mapping[str, float]:
    found = connection.execute(_queries().baselines, {"runs": runs})
    return {run: ratio for run, ratio in found if ratio is not None}


def _log(connection: Connection, known: Mapping[str, Known]) -> Mapping[str, list[LogLine]]:
    found: dict[str, list[LogLine]] = defaultdict(list)
    since = min((one.event for one in known.values()), default=0)
    for row in connection.execute(_queries().log, {"runs": sorted(known), "since": since}).mappings():
        if row["id"] > known[row["run"]].event:
            found[row["run"]].append(log_line(**row))
    return found


class _Queries(NamedTuple):
    """Statements that ask again and again about several runs, given as `runs`."""

    begun: Any
    asked: Any
    counted: Any
    lost: Any
    totals: Any
    baselines: Any
    log: Any


@cache
def _queries() -> _Queries:
    run, session, trial, event = schema.Run, schema.Session, schema.Trial, schema.Event
    of = bindparam("runs", type_=Exact(), expanding=True)
    own = (Job.id == run.id) & (Job.kind == SEARCH)
    spent = map(func.sum, (session.seconds, session.tokens, session.usd))
    first = select(trial.run, trial.ratio).where(trial.run.in_(of), trial.number == 0, trial.state.in_(SCORED))
    return _Queries(
        begun=select(run.id, run.state, run.driver, Job.state, Job.why).outerjoin(Job, own).where(run.id.in_(of)),
        asked=select(Job.id, Job.state, Job.why).where(Job.id.in_(of), Job.kind == SEARCH),
        counted=select(Tally.run, func.sum(Tally.trials)).where(Tally.run.in_(of)).group_by(Tally.run),
        lost=select(session.run, *spent).where(session.run.in_(of)).group_by(session.run),
        totals=select(RunTotal.__table__).where(RunTotal.run.in_(of)),
        baselines=first,
        log=select(event.__table__).where(event.run.in_(of), event.id > bindparam("since")).order_by(event.id),
    )
