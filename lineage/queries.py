"""What is known, across runs. Every function takes a store and ids, or the beginnings of ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from slotforge.core import types as core
from slotforge.lineage import rows, schema
from slotforge.lineage.lookup import Kind, find
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
from slotforge.lineage.verdicts import confirmations

SCORED = [core.TrialState.SCORED.value, core.TrialState.CONFIRMED.value]


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
    run, trial = schema.Run, schema.Trial
    counts = select(trial.run, func.count().label("trials")).where(trial.number > 0).group_by(trial.run).subquery()
    best = select(trial.run, func.min(trial.ratio).label("ratio")).where(trial.state.in_(SCORED), trial.number > 0)
    best_of = best.group_by(trial.run).subquery()
    query = (
        select(run.__table__, counts.c.trials, best_of.c.ratio)
        .outerjoin(counts, counts.c.run == run.id)
        .outerjoin(best_of, best_of.c.run == run.id)
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
        return frozenset(connection.scalars(select(schema.Candidate.domain).distinct()))


def slots(store: SqlStore, domain: str) -> frozenset[str]:
    """Return the slots that candidates of a domain replace."""
    replaced, candidate = schema.CandidateSlot, schema.Candidate
    query = select(replaced.slot).distinct().join(candidate, candidate.id == replaced.candidate)
    with store.reading() as connection:
        return frozenset(connection.scalars(query.where(candidate.domain == domain)))


def families(store: SqlStore) -> frozenset[str]:
    """Return the families of all instances and verdicts."""
    part = schema.VerdictFamily
    with store.reading() as connection:
        searched = connection.scalars(select(schema.Instance.family).distinct())
        judged = connection.scalars(select(part.family).distinct().where(part.family.is_not(None)))
        return frozenset({*searched, *(family for family in judged if family is not None)})


def show_run(store: SqlStore, ref: str) -> RunDetails:
    """Return all about a run but its trials."""
    record = store.run(ref)
    trial = schema.Trial
    states = select(trial.state, func.count()).where(trial.run == record.id).group_by(trial.state).order_by(trial.state)
    events = tuple(store.events(record.id))
    with store.reading() as connection:
        return RunDetails(
            run=record,
            usage=_usage(connection, record.id),
            states=dict(iter(connection.execute(states))),
            confirmations=confirmations(connection, schema.Verdict.run == record.id),
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
            confirmations=confirmations(connection, schema.Verdict.candidate == id_),
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
    with store.reading() as connection:
        _, root = find(connection, ref, "candidate")
        found: dict[str, Ancestor] = {}
        generation, frontier = 0, [root]
        while frontier:
            makers = _makers(connection, frontier)
            found |= {id_: _ancestor(id_, generation, makers.get(id_)) for id_ in frontier}
            parents = (parent for id_ in frontier for parent in found[id_].parents)
            frontier = [parent for parent in dict.fromkeys(parents) if parent not in found]
            generation += 1
    return tuple(found.values())


def usage(store: SqlStore, ref: str) -> Usage:
    """Return what a run has cost."""
    with store.reading() as connection:
        return _usage(connection, find(connection, ref, "run")[1])


def completions(store: SqlStore, ref: str) -> Iterator[dict[str, Any]]:
    """Yield the exchanges of a run as the lines of a replay file, in the order of trials.

    Each has key (`Prompt.id`), model, messages ({"role", "content"}), answer, input_tokens, output_tokens, usd, and
    latency_s, number and stage.
    """
    for number, calls in store.all_calls(ref).items():
        for call in calls:
            answer = call.completion.model_dump()
            yield {
                "key": call.prompt.id,
                "number": number,
                "stage": call.stage,
                "messages": [{"role": role, "content": content} for role, content in call.prompt.messages],
                "answer": answer.pop("text"),
                **answer,
            }


def _usage(connection: Connection, run: str) -> Usage:
    row, trial, session, selection = schema.Completion, schema.Trial, schema.Session, schema.Selection
    paired, verdict = schema.VerdictMeasurement, schema.Verdict

    def sums(table: type[schema.Base], *names: str) -> dict[str, Any]:
        columns = [func.coalesce(func.sum(getattr(table, name)), 0).label(name) for name in names]
        query = select(func.count().label("calls"), *columns).where(table.__table__.c.run == run)
        return dict(connection.execute(query).mappings().one())

    spent = sums(row, "input_tokens", "output_tokens", "usd", "latency_s")
    lost = sums(session, "seconds", "tokens", "usd")
    behind = select(func.coalesce(func.sum(paired.cpu_s), 0)).join(verdict, verdict.id == paired.verdict)
    judged = connection.scalar(behind.where(verdict.run == run)) or 0
    return Usage(
        **spent | {"usd": spent["usd"] + lost["usd"]},
        unanswered_tokens=lost["tokens"],
        cpu_s=sums(trial, "cpu_s")["cpu_s"] + sums(selection, "cpu_s")["cpu_s"] + judged,
        seconds=lost["seconds"],
    )


def _makers(connection: Connection, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Find for each candidate the trial that made it, with its parents."""
    trial, run, parent = schema.Trial, schema.Run, schema.Parent
    query = select(trial.__table__).join(run, run.id == trial.run).where(trial.candidate.in_(ids))
    furthest = (trial.state.in_(SCORED).desc(), trial.ratio.is_(None), run.started, trial.run, trial.number)
    makers: dict[str, dict[str, Any]] = {}
    for row in connection.execute(query.order_by(*furthest)).mappings():
        makers.setdefault(row["candidate"], dict(row))
    for maker in makers.values():
        edges = select(parent.candidate).where(parent.run == maker["run"], parent.number == maker["number"])
        maker["parents"] = connection.scalars(edges.order_by(parent.position)).all()
    return makers


def _ancestor(id_: str, generation: int, maker: dict[str, Any] | None) -> Ancestor:
    if maker is None:
        return Ancestor(candidate=id_, generation=generation, state="unknown")
    names = ("run", "number", "operator", "slots", "ratio", "state", "parents")
    return Ancestor(candidate=id_, generation=generation, **{name: maker[name] for name in names})
