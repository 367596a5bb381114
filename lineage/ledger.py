"""What runs and searches for prompts have cost, by owner, model and month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Double, cast, func, select

from slotforge.core.specs import free
from slotforge.core.types import Record
from slotforge.lineage.records import moment
from slotforge.lineage.schema import (
    Interim,
    PromptCompletion,
    PromptSearch,
    Run,
    Selection,
    Session,
    Verdict,
    VerdictMeasurement,
)
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import RunTotal

COMMAND_LINE = "local"  # the owner of what was started without the service
COUNTED = ("runs", "prompt_searches", "calls", "input_tokens", "output_tokens", "unanswered_tokens", "usd", "cpu_s")
PAID = frozenset({"input_tokens", "output_tokens", "unanswered_tokens", "usd"})  # what a recording tells again
Spent = tuple[float, str, str, Counter[str]]  # when, by whom, with which model, and how much


class UsageLine(Record):
    """What the runs of an owner with a model that began in a month have cost, and the searches for prompts.

    month: such as "2026-11", by UTC; a search for prompts is of the month in which it got on last.
    owner: of a search for prompts the command line, which alone carries one out.
    model: as the runs name it; several with commas are one. A recording costs neither tokens nor dollars.
    runs, prompt_searches: how many there are of each; the other figures are those of both.
    unanswered_tokens: that calls without an answer may have cost; usd contains them.
    cpu_s: of all measurements, those behind verdicts included.
    """

    month: str
    owner: str
    model: str
    runs: int
    prompt_searches: int = 0
    calls: int
    input_tokens: int
    output_tokens: int
    unanswered_tokens: int
    usd: float
    cpu_s: float


def usage(store: SqlStore, *, owner: str | None = None) -> tuple[UsageLine, ...]:
    """Return what was spent, the newest month first, by one owner or by all."""
    lines: dict[tuple[str, str, str], Counter[str]] = {}
    with store.reading() as connection:
        for at, who, model, spent in chain(_of_runs(connection), _of_prompt_searches(connection)):
            paid = {name: 0 if name in PAID and free(model) else value for name, value in spent.items()}
            lines.setdefault((moment(at).strftime("%Y-%m"), who, model), Counter()).update(paid)
    found = [
        UsageLine(month=month, owner=who, model=model, **{name: line[name] for name in COUNTED})
        for (month, who, model), line in lines.items()
        if owner in (None, who)
    ]
    return tuple(sorted(found, key=lambda line: (_descending(line.month), line.owner, line.model)))


def place(line: UsageLine) -> tuple[str, str, str]:
    """Return what a line is known by."""
    return line.month, line.owner, line.model


def after(lines: Iterable[UsageLine], key: tuple[str, str, str] | None) -> tuple[UsageLine, ...]:
    """Return the lines that come after a key in the order of `usage`."""
    if key is None:
        return tuple(lines)
    last = (_descending(key[0]), *key[1:])
    return tuple(line for line in lines if (_descending(line.month), line.owner, line.model) > last)


def _descending(month: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in month)


def _of_runs(connection: Connection) -> Iterator[Spent]:
    sums = _sums(connection)
    query = select(Run.id, Run.config, Run.started, Job.owner).outerjoin(Job, Job.id == Run.id).order_by(Run.id)
    for run, config, started, owner in connection.execute(query):
        yield started, owner or COMMAND_LINE, str(config["model"]), Counter(runs=1) + sums.get(run, Counter())


def _of_prompt_searches(connection: Connection) -> Iterator[Spent]:
    search, call = PromptSearch, PromptCompletion
    columns = (call.input_tokens, call.output_tokens, call.usd)
    sums = select(
        call.search, func.count().label("calls"), *(func.sum(cast(one, Double)).label(one.key) for one in columns)
    ).group_by(call.search)
    found = {row.pop("search"): Counter(row) for row in map(dict, connection.execute(sums).mappings())}
    query = select(search.id, search.config, search.changed, search.unanswered_tokens, search.unanswered_usd)
    for id_, config, changed, tokens, usd in connection.execute(query.order_by(search.id)):
        own: Counter[str] = Counter({"prompt_searches": 1, "unanswered_tokens": tokens or 0, "usd": usd or 0.0})
        yield changed, COMMAND_LINE, str(config["model"]), own + found.get(id_, Counter())


def _sums(connection: Connection) -> Mapping[str, Counter[str]]:
    """Sum up what each run has cost."""
    total, session, paired, verdict = RunTotal, Session, VerdictMeasurement, Verdict
    judged = select(verdict.run, func.sum(paired.cpu_s).label("cpu_s")).join(verdict, verdict.id == paired.verdict)
    queries: list[Any] = [
        select(total.run, total.calls, total.input_tokens, total.output_tokens, total.usd, total.cpu_s),
        select(
            session.run, func.sum(session.tokens).label("unanswered_tokens"), func.sum(session.usd).label("usd")
        ).group_by(session.run),
        *(select(own.run, func.sum(own.cpu_s).label("cpu_s")).group_by(own.run) for own in (Selection, Interim)),
        judged.where(verdict.run.is_not(None)).group_by(verdict.run),
    ]
    found: dict[str, Counter[str]] = {}
    for query in queries:
        for row in connection.execute(query).mappings():
            values = {name: value for name, value in row.items() if name != "run"}
            found.setdefault(row["run"], Counter()).update(values)
    return found
