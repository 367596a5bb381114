"""What a job is: the same search, or the same confirmation, that the command line runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from slotforge.core.errors import UnknownId
from slotforge.core.types import Candidate, RunConfig
from slotforge.lineage import queries
from slotforge.lineage.jobs import FAILED, FINISHED, QUEUED
from slotforge.search.confirm import Confirmation
from slotforge.search.discover import Discovery
from slotforge.service.jobs.ended import Ended
from slotforge.service.jobs.observer import Logged
from slotforge.service.jobs.outcome import Outcome
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Kind

if TYPE_CHECKING:
    from slotforge.lineage.records import RunRecord
    from slotforge.lineage.store import SqlStore

BASELINE = "baseline"


def search(job: JobRecord, store: SqlStore) -> Ended:
    """Open the run of a job, or go on with it; whoever has the job may take the run over."""
    assert isinstance(job.config, RunConfig)
    record = _run(store, job.id)
    if record is not None and record.state == FINISHED:
        return Ended(state=FINISHED)
    report = Discovery(
        config=record.config if record else job.config,
        store=store,
        observer=Logged(),
        run_id=record.id if record else "",
        open_as=job.id,
        take_over=True,
    ).run()
    if report.failure:
        return Ended(state=FAILED, why=f"the model does not answer: {report.failure}")
    return Ended(state=FINISHED if report.state == FINISHED else QUEUED)


def _run(store: SqlStore, run: str) -> RunRecord | None:
    try:
        return store.run(run)
    except UnknownId:
        return None


def confirm(job: JobRecord, store: SqlStore) -> Ended:
    """Measure a candidate against another; the verdict is kept together with the end of the job."""
    assert isinstance(job.config, ConfirmConfig)
    asked = job.config
    candidate = queries.candidate(store, asked.candidate)
    baseline = asked.against == BASELINE
    against = Candidate(domain=candidate.domain) if baseline else queries.candidate(store, asked.against)
    settings = asked.model_dump(exclude={"candidate", "against", "instances"})
    confirmation = Confirmation(
        candidate=candidate, against=against, specs=asked.instances, observer=Logged(), **settings
    )
    judgement = confirmation.judge(store)
    outcome = Outcome(verdict=judgement.verdict, controls=judgement.controls)
    result = outcome.document(candidate.id, against.id)
    return Ended(state=FINISHED, result=result, run=judgement.run, verdicts=judgement.kept)


KINDS: Mapping[Kind, Callable[[JobRecord, SqlStore], Ended]] = {"search": search, "confirm": confirm}
