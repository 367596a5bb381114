"""What is known, across runs. Every function takes a store and ids, or the beginnings of ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, Connection, Executable, bindparam, func, select

from slotforge.core import types as core
from slotforge.lineage import rows, schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.dropped import NO_PROMPT, expect_whole
from slotforge.lineage.lookup import Kind, find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.records import (
    Ancestor,
    Artefact,
    CandidateDetails,
    RunDetails,
    RunSummary,
    Usage,
    moment,
)
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED as SCORED
from slotforge.lineage.summary_schema import Maker, RunTotal, SlotSet, Tally
from slotforge.lineage.verdicts import confirmations

MADE = ("run", "number", "operator", "slots", "ratio", "state")
AT_ONCE = 50  # trials whose exchanges are read together


def identify(store: SqlStore, ref: str) -> tuple[Kind, str]:
    """Say what the beginning of an id belongs to; raises UnknownId when that is nothing, or more than one thing."""
    with store.reading() as connection:
        return find(connection, ref, "run", "candidate")


def runs(store: SqlStore, *, limit: int | None = None, after: str | None = None) -> tuple[RunSummary, ...]:
    """List the runs, the newest first.

    Args:
        limit: how many at most.
        after: the id of the run that stands before the first to list.
    """
    run = schema.Run
    query = (
        select(run.__table__, RunTotal.trials, RunTotal.ratio)
        .outerjoin(RunTotal, RunTotal.run == run.id)
        .order_by(run.started.desc(), run.id)
        .limit(limit)
    )
    if after is not None:
        began = select(run.started).where(run.id == after).scalar_subquery()
        query = query.where((run.started < began) | ((run.started == began) & (run.id > after)))
    with store.reading() as connection:
        return tuple(
            RunSummary(
                id=row["id"],
                domain=row["domain"],
                state=store.state_of(row["state"], row["driver"]),
                **{key: row["config"][key] for key in ("strategy", "model", "seed")},
                trials=row["trials"] or 0,
                ratio=row["ratio"],
                started=moment(row["started"]),
                ended=None if row["ended"] is None else moment(row["ended"]),
            )
            for row in connection.execute(query).mappings()
        )


def domains(store: SqlStore) -> frozenset[str]:
    """Return the domains of all candidates."""
    with store.reading() as connection:
        return frozenset(connection.scalars(select(SlotSet.domain).distinct()))


def slots(store: SqlStore, domain: str) -> frozenset[str]:
    """Return the slots that candidates of a domain replace."""
    with store.reading() as connection:
        sets = connection.scalars(select(SlotSet.slots).where(SlotSet.domain == domain))
        return frozenset(slot for slots in sets for slot in slots)


def families(store: SqlStore) -> frozenset[str]:
    """Return the families of all instances and verdicts."""
    part = schema.VerdictFamily
    with store.reading() as connection:
        searched = connection.scalars(select(schema.Instance.family).distinct())
        judged = connection.scalars(select(part.family).distinct().where(part.family.is_not(None)))
        return frozenset({*searched, *(family for family in judged if family is not None)})


def show_run(store: SqlStore, ref: str, *, pairs: bool = True) -> RunDetails:
    """Return all about a run but its trials; without `pairs`, not what verdicts rest on."""
    record = store.run(ref)
    events = tuple(store.events(record.id))
    with store.reading() as connection:
        return RunDetails(
            run=record,
            usage=_usage(connection, record.id),
            states=dict(_states().rows(connection, of=record.id)),
            confirmations=confirmations(connection, "run", record.id, pairs=pairs),
            events=events,
        )


def show_candidate(store: SqlStore, ref: str) -> CandidateDetails:
    """Return all about a candidate: its sources, and every trial that led to it with exchanges and measurements."""
    artefact = schema.Artefact
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        exported = select(artefact.kind, artefact.path, artefact.at).where(artefact.candidate == id_)
        return CandidateDetails(
            id=id_,
            candidate=rows.candidates(connection, [id_])[id_],
            trials=tuple(rows.trials(connection, schema.Trial.candidate == id_)),
            confirmations=confirmations(connection, "candidate", id_),
            artefacts=tuple(
                Artefact(kind=kind, path=path, at=moment(at))
                for kind, path, at in connection.execute(exported.order_by(artefact.id))
            ),
        )


def candidate(store: SqlStore, ref: str) -> core.Candidate:
    """Return a candidate with its sources."""
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        return rows.candidates(connection, [id_])[id_]


def lineage(store: SqlStore, ref: str) -> tuple[Ancestor, ...]:
    """Return a candidate and all its ancestors, the nearest first.

    Each stands once, with the trial that made it: the one that got furthest, of those the earliest. An ancestor that
    was handed in from elsewhere, and has no trial, says so by its state "unknown".
    """
    return part_of_lineage(store, ref)[0]


def part_of_lineage(
    store: SqlStore, ref: str, *, depth: int | None = None, size: int | None = None
) -> tuple[tuple[Ancestor, ...], int]:
    """Return the nearest of a candidate and its ancestors, and how many there are in all.

    Args:
        depth: generations back at most; None is all.
        size: ancestors at most, the candidate among them; None is all.
    """
    with store.reading() as connection:
        _, root = find(connection, ref, "candidate")
        makers = _makers(connection, root)
    generations: dict[str, int] = {}
    generation, frontier = 0, [root]
    while frontier:
        generations |= dict.fromkeys(frontier, generation)
        parents = (parent for id_ in frontier if id_ in makers for parent in makers[id_]["parents"])
        frontier = [parent for parent in dict.fromkeys(parents) if parent not in generations]
        generation += 1
    near = (id_ for id_, steps in generations.items() if depth is None or steps <= depth)
    part = tuple(_ancestor(id_, generations[id_], makers.get(id_)) for id_ in islice(near, size))
    return part, len(generations)


@prepared
def _states() -> Executable:
    of = Tally.run == bindparam("of", type_=Exact())
    return select(Tally.state, Tally.trials).where(of, Tally.trials > 0).order_by(Tally.state)


def usage(store: SqlStore, ref: str) -> Usage:
    """Return what a run has cost."""
    with store.reading() as connection:
        return _usage(connection, find(connection, ref, "run")[1])


def answers(store: SqlStore, run: str, stage: str) -> int:
    """Count the exchanges of a run at a stage."""
    row = schema.Completion
    with store.reading() as connection:
        count = select(func.count()).where(row.run == run, row.stage == stage)
        return connection.scalar(count) or 0


def completions(store: SqlStore, ref: str) -> Iterator[dict[str, Any]]:
    """Yield the exchanges of a run as the lines of a replay file, in the order of trials.

    Each has key (`Prompt.id`), model, messages ({"role", "content"}), answer, input_tokens, output_tokens, usd, and
    latency_s, number and stage. They are read a few at a time.

    Raises:
        UnknownId: there is no such run.
        Dropped: some were dropped since.
    """
    row = schema.Completion
    with store.reading() as connection:
        _, id_ = find(connection, ref, "run")
        expect_whole(id_, connection.scalars(select(row.text).where(row.run == id_, row.prompt == NO_PROMPT.id)))
        numbers = list(connection.scalars(select(row.number).distinct().where(row.run == id_).order_by(row.number)))
    return _completions(store, id_, numbers)


def _completions(store: SqlStore, run: str, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
    row = schema.Completion
    for start in range(0, len(numbers), AT_ONCE):
        part = numbers[start : start + AT_ONCE]
        with store.reading() as connection:
            found = rows.calls(connection, row.run == run, row.number.between(part[0], part[-1]))
        for (_, number), calls in found.items():
            yield from (_line(number, call) for call in calls)


def _line(number: int, call: core.Call) -> dict[str, Any]:
    answer = call.completion.model_dump()
    return {
        "key": call.prompt.id,
        "number": number,
        "stage": call.stage,
        "messages": [{"role": role, "content": content} for role, content in call.prompt.messages],
        "answer": answer.pop("text"),
        **answer,
    }


def _usage(connection: Connection, run: str) -> Usage:
    row = _spent().mappings(connection, of=run)[0]
    row["usd"] += row.pop("lost_usd")
    row["cpu_s"] += row.pop("selected_s") + row.pop("judged_s") + row.pop("interim_s")
    return Usage(**row)


@prepared
def _spent() -> Executable:
    """Write the query for what a run has cost."""
    run: BindParameter[str] = bindparam("of", type_=Exact())
    session, selection, paired = schema.Session, schema.Selection, schema.VerdictMeasurement
    interim = schema.Interim
    verdicts = select(schema.Verdict.id).where(schema.Verdict.run == run)
    parts = {
        name: select(getattr(RunTotal, name)).where(RunTotal.run == run)
        for name in ("calls", "input_tokens", "output_tokens", "usd", "latency_s", "cpu_s")
    }
    for name, column in (
        ("unanswered_tokens", session.tokens),
        ("lost_usd", session.usd),
        ("seconds", session.seconds),
    ):
        parts[name] = select(func.sum(column)).where(session.run == run)
    parts["selected_s"] = select(func.sum(selection.cpu_s)).where(selection.run == run)
    parts["interim_s"] = select(func.sum(interim.cpu_s)).where(interim.run == run)
    parts["judged_s"] = select(func.sum(paired.cpu_s)).where(paired.verdict.in_(verdicts))
    return select(*(func.coalesce(part.scalar_subquery(), 0).label(name) for name, part in parts.items()))


def _makers(connection: Connection, root: str) -> dict[str, dict[str, Any]]:
    """Find for a candidate and each of its ancestors the trial that made it, with its parents."""
    makers: dict[str, dict[str, Any]] = {}
    for candidate, parent, *fields in _made().rows(connection, root=root):
        maker = makers.get(candidate)
        if maker is None:
            maker = makers[candidate] = dict(zip(MADE, fields, strict=True), parents=[])
        if parent is not None:
            maker["parents"].append(parent)
    return makers


@prepared
def _made() -> Executable:
    """Write the query for the trials that made a candidate and its ancestors, a row for each of their parents."""
    trial, parent = schema.Trial, schema.Parent
    root = bindparam("root", type_=Exact())
    ancestor = select(root.label("candidate")).cte("ancestor", recursive=True)
    made = select(parent.candidate).join(Maker, (Maker.run == parent.run) & (Maker.number == parent.number))
    ancestor = ancestor.union(made.join(ancestor, ancestor.c.candidate == Maker.candidate))
    return (
        select(Maker.candidate, parent.candidate.label("parent"), *(getattr(trial, name) for name in MADE))
        .join(Maker, (Maker.run == trial.run) & (Maker.number == trial.number))
        .join(ancestor, ancestor.c.candidate == Maker.candidate)
        .outerjoin(parent, (parent.run == trial.run) & (parent.number == trial.number))
        .order_by(trial.run, trial.number, parent.position)
    )


def _ancestor(id_: str, generation: int, maker: dict[str, Any] | None) -> Ancestor:
    if maker is None:
        return Ancestor(candidate=id_, generation=generation, state="unknown")
    return Ancestor(candidate=id_, generation=generation, **maker)
