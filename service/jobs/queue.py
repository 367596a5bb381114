"""The queue: jobs that wait, run or have ended, and what their owners wish for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from slotforge.core.errors import Conflict, UsageError
from slotforge.core.ids import content_id
from slotforge.core.specs import free
from slotforge.core.types import Record, RunConfig
from slotforge.lineage import allowance, jobs, leases, wishes
from slotforge.lineage.jobs import State
from slotforge.lineage.leases import Lease
from slotforge.lineage.records import moment
from slotforge.lineage.verdicts import keep
from slotforge.lineage.wishes import Wish

if TYPE_CHECKING:
    from slotforge.core.comparison import Held
    from slotforge.lineage.store import SqlStore

MOST_QUEUED = 10_000
Kind = Literal["search", "confirm"]
__all__ = ["ConfirmConfig", "JobRecord", "Kind", "Queue", "State", "Wish"]


class ConfirmConfig(Record):
    """Everything that defines a confirmation: see `search.confirm.Confirmation`.

    candidate: its id.
    against: the id of another, or "baseline".
    """

    candidate: str
    against: str = "baseline"
    instances: tuple[str, ...]
    seed: int = 1000
    per_family: int | None = None
    twins: bool = False
    seeds: int = 1
    limit: float | None = None
    workers: int = 2
    executor: str = "process"
    tuned_baseline: bool = True


CONFIGS: Mapping[Kind, type[RunConfig] | type[ConfirmConfig]] = {"search": RunConfig, "confirm": ConfirmConfig}


class JobRecord(Record):
    """A job as it stands.

    id: of a search, that of its run.
    wish: what its holder is asked to do and has not yet done: "pause", "cancel", or "".
    holder: the server that drives it.
    attempts: how often in a row it was taken without getting any further.
    cpus, usd: what it may use at most.
    why: it waits, or ended.
    result: of a confirmation that has finished: its candidates, the verdict, and controls beside it.
    """

    id: str
    kind: Kind
    owner: str
    priority: int
    config: RunConfig | ConfirmConfig
    state: State
    wish: str
    holder: str | None
    attempts: int
    cpus: int
    usd: float | None
    why: str
    result: Mapping[str, Any] | None
    created: datetime
    changed: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> JobRecord:
        """Read a row of the table."""
        fields = {name: row[name] for name in cls.model_fields}
        config = CONFIGS[row["kind"]].model_validate(row["config"])
        return cls(**fields | {"config": config, **{name: moment(row[name]) for name in ("created", "changed")}})


@dataclass(frozen=True)
class Queue:
    """The jobs of a store.

    lease_s: how long a job belongs to its holder without a sign of life.
    most_queued: jobs of one owner that may wait, those that are paused among them.
    """

    store: SqlStore
    lease_s: float = leases.SECONDS
    most_queued: int = MOST_QUEUED

    def submit(
        self, config: RunConfig | ConfirmConfig, *, owner: str, priority: int = 0, id: str | None = None
    ) -> JobRecord:
        """Put a job into the queue; of two that wait, the one of higher priority is taken first, then the older one.

        Args:
            id: that it is to have; where there is such a job already, that is the answer.

        Raises:
            UsageError: it needs more, or may cost more, than its owner may ever use.
            Conflict: too many jobs of its owner wait.
        """
        kind: Kind = "search" if isinstance(config, RunConfig) else "confirm"
        usd = config.budget.usd if isinstance(config, RunConfig) and not free(config.model) else 0.0
        cpus = 1 if config.executor == "inline" else config.workers
        id_ = id or content_id({"config": config.model_dump(mode="json"), "nonce": uuid4().hex}, length=10)
        with self.store.writing() as connection:
            if id and jobs.there(connection, id):
                return JobRecord.of(jobs.find(connection, id))
            if jobs.waiting(connection, owner) >= self.most_queued:
                most = self.most_queued
                raise Conflict(f"{owner} has {most} jobs in the queue, and may have no more: wait, or cancel some")
            if why := allowance.beyond(allowance.of(connection, owner), owner, cpus, usd):
                raise UsageError(why)
            jobs.add(
                connection,
                id=id_,
                kind=kind,
                owner=owner,
                priority=priority,
                config=config.model_dump(mode="json"),
                cpus=cpus,
                usd=usd,
            )
            return JobRecord.of(jobs.find(connection, id_))

    def job(self, ref: str) -> JobRecord:
        """Return a job by its id or the beginning of it; raises UnknownId when that fits none or several."""
        with self.store.reading() as connection:
            return JobRecord.of(jobs.find(connection, ref))

    def jobs(
        self, *, owner: str | None = None, states: Sequence[State] = (), limit: int = 50, after: str | None = None
    ) -> tuple[JobRecord, ...]:
        """List jobs, the newest first.

        Args:
            owner: of whom; None is all.
            states: in one of these; empty is any.
            after: the id of the last job of the page before.
        """
        with self.store.reading() as connection:
            found = jobs.page(connection, owner=owner, states=states, limit=limit, after=after)
            return tuple(map(JobRecord.of, found))

    def wish(self, ref: str, wish: Wish) -> JobRecord:
        """Ask for a job to pause, to be cancelled, or to go on; one that runs obeys within seconds.

        Raises:
            Conflict: it has ended; one that has failed can go on, or be cancelled for good.
        """
        with self.store.writing() as connection:
            return JobRecord.of(wishes.make(connection, ref, wish))

    def take(self, holder: str, *, cpus: int | None = None) -> Lease | None:
        """Take the job that is next, unless it needs more than so many CPUs; its owner's limits may let it wait."""
        with self.store.writing() as connection:
            return leases.take(connection, holder, cpus=cpus, seconds=self.lease_s)

    def renew(self, lease: Lease, *, further: bool = False) -> str:
        """Keep a job for another while, and return what is wished for; `further` tells that it has got on.

        Raises:
            LeaseLost: somebody else may have it by now.
        """
        with self.store.writing() as connection:
            return leases.renew(connection, lease, further=further)

    def release(
        self,
        lease: Lease,
        state: State,
        *,
        why: str = "",
        result: Mapping[str, Any] | None = None,
        run: str | None = None,
        verdicts: Sequence[Held] = (),
    ) -> None:
        """Let go of a job in a state, and keep what came of it, all at once.

        Args:
            state: "finished", "failed", or "queued"; one that has not ended is left as is wished.
            run: of the candidate of a confirmation, if there is one.
            verdicts: of a confirmation, to be kept with it.

        Raises:
            LeaseLost: somebody else may have it by now.
        """
        with self.store.writing() as connection:
            leases.release(connection, lease, state, why=why, result=result)
            if verdicts:
                keep(connection, run, *verdicts)

    def retry(self, lease: Lease, why: str, *, counted: bool = True) -> None:
        """Let go of a job whose process has failed: it waits for another attempt, up to a number of them in a row.

        Args:
            counted: whether it may be the job's own fault.
        """
        with self.store.writing() as connection:
            leases.retry(connection, lease, why, counted=counted)

    def reap(self, *, counted: bool = True) -> Sequence[str]:
        """Put back the jobs whose holders have died, or have given no sign of life, and return their ids.

        Args:
            counted: whether it may be the jobs' own fault.
        """
        with self.store.writing() as connection:
            return leases.reap(connection, counted=counted)

    def held(self, holder: str) -> Mapping[str, int]:
        """Return the jobs that a server holds, each with its fence."""
        with self.store.reading() as connection:
            return leases.held(connection, holder)
