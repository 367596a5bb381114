"""What the compiler said of a candidate when a search built it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from slotforge.core.types import Record, TrialState
from slotforge.lineage import schema
from slotforge.lineage.prune import EVENT as PRUNED
from slotforge.lineage.store import SqlStore


class Build(Record):
    """A build of a candidate for a trial.

    failure: in one line; empty where it succeeded.
    log: what the compiler said, by slot; a slot of which it had nothing to say is left out.
    environment: of the run.
    """

    run: str
    number: int
    failure: str
    log: Mapping[str, str]
    environment: Mapping[str, str]


def last_build(store: SqlStore, candidate: str) -> Build | None:
    """Return the build of a candidate that the newest run knows of; None where none does.

    One that was raced was built, without a word if none is kept, unless its run was pruned.
    """
    trial, run, log, event, environment = (
        schema.Trial, schema.Run, schema.CompileLog, schema.Event, schema.Environment,
    )  # fmt: skip
    logged = select(log.run).where(log.run == trial.run, log.number == trial.number).exists()
    pruned = select(event.id).where(event.run == trial.run, event.kind == PRUNED).exists()
    query = (
        select(trial.run, trial.number, trial.state, trial.against, trial.reason, environment.facts)
        .join(run, run.id == trial.run)
        .join(environment, environment.id == run.environment)
        .where(trial.candidate == candidate, logged | (trial.against.is_not(None) & ~pruned))
        .order_by(run.started.desc(), trial.run, trial.number.desc())
        .limit(1)
    )
    with store.reading() as connection:
        built = connection.execute(query).one_or_none()
        if built is None:
            return None
        said = select(log.slot, log.text).where(log.run == built.run, log.number == built.number)
        failed = built.state == TrialState.FAILED and built.against is None
        return Build(
            run=built.run,
            number=built.number,
            failure=built.reason if failed else "",
            log=dict(iter(connection.execute(said.order_by(log.position)))),
            environment=built.facts,
        )
