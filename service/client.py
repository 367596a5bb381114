"""The service from Python: everything that the API offers, typed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict

from slotforge.core.errors import UsageError
from slotforge.core.prompting import PromptRecord
from slotforge.core.types import Budget, Record, Trial, TrialState
from slotforge.lineage import keys
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.audit import AuditRecord
from slotforge.lineage.blobs import BlobRecord
from slotforge.lineage.jobs import State
from slotforge.lineage.keys import KeyRecord, NewKey, Scope
from slotforge.lineage.ledger import UsageLine
from slotforge.lineage.records import Best, CandidateDetails
from slotforge.lineage.suites import NAME, SuiteRecord, SuiteSummary, check_name, no_suite
from slotforge.service.artefacts.compilation import Compilation
from slotforge.service.artefacts.shelf import ArtefactRecord
from slotforge.service.instances.uploaded import SuiteUploaded, Uploaded
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.queue import JobRecord, Wish
from slotforge.service.sending import in_parts
from slotforge.service.transport import ServerEvent, Transport, segment, token_of
from slotforge.service.views.candidates import Against, CandidateView, MeasuredLine, Split
from slotforge.service.views.comparison import Comparison
from slotforge.service.views.course import Curve, LogLine
from slotforge.service.views.details import Found
from slotforge.service.views.diff import Diff
from slotforge.service.views.graph import Graph
from slotforge.service.views.prompts import PromptLine, VariantView
from slotforge.service.views.runs import RunLine, RunShown, RunState
from slotforge.service.views.system import Check, SystemShown
from slotforge.service.views.trials import TrialLine
from slotforge.solvers.sat.folder import formulas


class Driven(Record):
    """The part of a run's page that says what drives it."""

    model_config = ConfigDict(extra="ignore")
    job: JobRecord | None


class Checked(Record):
    """What a server says of its parts."""

    checks: tuple[Check, ...]


class Client:
    """A server of slotforge. Ids may be cut to beginnings; lists are iterators that fetch page by page.

    Every method raises SlotforgeError with the server's own line: UnknownId for what is not there, UsageError for
    a request that is wrong, Conflict for what does not fit how things stand, `transport.Refused` without the rights,
    `transport.Unreachable` where nobody answers. Requests that are lost or turned away for the moment are sent again,
    and what they ask for is done once.

    Args:
        url: of the server, such as https://slotforge.example.org; $SLOTFORGE_SERVER without it.
        token: of a key; without it that of $SLOTFORGE_TOKEN, or in the file that $SLOTFORGE_TOKEN_FILE names.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None, transport: Transport | None = None) -> None:
        where = url or os.environ.get("SLOTFORGE_SERVER")
        if not where and transport is None:
            raise UsageError("no server: give its URL, or set SLOTFORGE_SERVER")
        self._to = transport or Transport(str(where), token_of(token))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._to.url

    def close(self) -> None:
        """Let go of the connections."""
        self._to.close()

    def system(self) -> SystemShown:
        """Tell versions, servers, the models that runs may name, and who the caller is."""
        return self._to.get(SystemShown, "/v1/system")

    def checks(self) -> Sequence[Check]:
        """Let the server look at its parts, as `slotforge doctor` does; takes seconds, and an administrator's key."""
        return self._to.get(Checked, "/v1/system/checks").checks

    def audit(self, *, actor: str | None = None, limit: int | None = None) -> Iterator[AuditRecord]:
        """Yield who did what, the newest first; takes an administrator's key."""
        return self._to.pages(AuditRecord, "/v1/audit", actor=actor, limit=limit)

    def usage(self, *, owner: str | None = None) -> Iterator[UsageLine]:
        """Yield what runs and searches for prompts have cost, by month, owner and model."""
        return self._to.pages(UsageLine, "/v1/usage", owner=owner)

    def keys(self, *, limit: int | None = None) -> Iterator[KeyRecord]:
        """Yield the keys by name, without their secrets; for administrators."""
        return self._to.pages(KeyRecord, "/v1/keys", limit=limit)

    def add_key(
        self,
        name: str,
        scopes: Sequence[Scope] = ("read",),
        *,
        limits: Allowance | None = None,
        days: float | None = None,
    ) -> NewKey:
        """Make a key, whose secret the answer tells this once; for administrators.

        Args:
            name: of the key, which can be no other's again.
            scopes: what it allows; each contains those before it.
            limits: how much its owner may use; None is no limit.
            days: that it is valid; None is for ever.
        """
        told = (limits or Allowance()).model_dump()
        return self._to.post(NewKey, "/v1/keys", {"name": name, "scopes": [*scopes], "limits": told, "days": days})

    def key(self, name: str) -> KeyRecord:
        """Return a key without its secret; takes an administrator's."""
        return self._to.get(KeyRecord, f"/v1/keys/{segment(name)}")

    def revoke_key(self, name: str) -> KeyRecord:
        """Let a key be valid no longer; for administrators, the last of whom keeps theirs."""
        if not keys.NAME.fullmatch(name):
            raise keys.no_key(name)
        return self._to.delete(KeyRecord, f"/v1/keys/{segment(name)}")

    # prompts

    def prompts(
        self, *, domain: str | None = None, operator: str | None = None, limit: int | None = None
    ) -> Iterator[PromptLine]:
        """Yield the best prompt of each search for prompts, the search that got on last first."""
        return self._to.pages(PromptLine, "/v1/prompts", domain=domain, operator=operator, limit=limit)

    def prompt_searches(self, *, domain: str | None = None, limit: int | None = None) -> Iterator[PromptRecord]:
        """Yield the searches for prompts whole, with all variants and samples, the one that got on last first."""
        return self._to.pages(PromptRecord, "/v1/records/prompts", domain=domain, limit=limit)

    def prompt(self, variant: str) -> VariantView:
        """Return the texts of a variant of a prompt."""
        return self._to.get(VariantView, f"/v1/prompts/{segment(variant)}")

    # runs

    def runs(
        self,
        *,
        state: Sequence[RunState] = (),
        domain: str | None = None,
        owner: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> Iterator[RunLine]:
        """Yield the runs, the newest first."""
        told = [one.value for one in state]
        return self._to.pages(RunLine, "/v1/runs", state=told, domain=domain, owner=owner, text=text, limit=limit)

    def discover(
        self,
        instances: str | Sequence[str],
        *,
        domain: str = "sat",
        budget: Budget | None = None,
        options: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> JobRecord:
        """Ask for a search; its id is that of the run.

        Args:
            instances: families such as sgen:21, or suite:NAME.
            domain: the kind of solver.
            budget: that it may spend; 100 proposals where none of it ends the search.
            options: such as per_family, start, library; only those that differ from the usual.
            settings: slots, strategy, model, seed, workers, window, priority.
        """
        chosen = [instances] if isinstance(instances, str) else list(instances)
        body = {"domain": domain, "instances": chosen, "options": dict(options or {}), **settings}
        if budget is not None:
            body["budget"] = budget.model_dump(exclude_none=True)
        return self._to.post(JobRecord, "/v1/runs", body)

    def run(self, run: str) -> RunShown:
        """Return all about a run but its trials."""
        return self._to.get(RunShown, f"/v1/records/runs/{segment(run)}")

    def job_of(self, run: str) -> JobRecord | None:
        """Return the job that drives a run; one of a command line has none."""
        return self._to.get(Driven, f"/v1/runs/{segment(run)}").job

    def pause(self, run: str) -> JobRecord:
        """Ask for a run to stop for now."""
        return self.wish(run, "pause")

    def resume(self, run: str) -> JobRecord:
        """Ask for a run that is paused, or has failed, to go on."""
        return self.wish(run, "resume")

    def cancel(self, run: str) -> JobRecord:
        """Ask for a run to stop for good; what it has found stays."""
        return self.wish(run, "cancel")

    def wish(self, run: str, wish: Wish) -> JobRecord:
        """Ask for a run to pause, resume or cancel."""
        return self._to.post(JobRecord, f"/v1/runs/{segment(run)}/{wish}")

    def events(self, run: str, *, after: str | None = None) -> Iterator[ServerEvent]:
        """Yield what happens to a run until it ends; goes on where it was when the connection is lost."""
        return self._to.events(f"/v1/runs/{segment(run)}/events", after=after, ended=lambda event: event.kind == "end")

    def trials(
        self, run: str, *, state: Sequence[TrialState] = (), operator: str | None = None, limit: int | None = None
    ) -> Iterator[TrialLine]:
        """Yield the trials of a run by number."""
        told = [one.value for one in state]
        path = f"/v1/runs/{segment(run)}/trials"
        return self._to.pages(TrialLine, path, state=told, operator=operator, limit=limit)

    def trial(self, run: str, number: int) -> Trial:
        """Return a trial with its exchanges and measurements."""
        return self._to.get(Trial, f"/v1/runs/{segment(run)}/trials/{number}")

    def curve(self, run: str) -> Curve:
        """Return the best ratio so far over the trials."""
        return self._to.get(Curve, f"/v1/runs/{segment(run)}/curve")

    def log(self, run: str, *, limit: int | None = None) -> Iterator[LogLine]:
        """Yield what happened to a run, the newest first."""
        return self._to.pages(LogLine, f"/v1/runs/{segment(run)}/log", limit=limit)

    def replay(self, run: str, out: Path) -> Path:
        """Write the exchanges of a run with its model as a replay file."""
        self._to.download(f"/v1/records/runs/{segment(run)}/replay", out)
        return out

    def run_lineage(self, run: str, *, size: int = 2_000) -> Graph:
        """Return the best candidates of a run and their ancestors."""
        return self._to.get(Graph, f"/v1/runs/{segment(run)}/lineage", size=size)

    # candidates

    def find(self, ref: str) -> Found:
        """Say what the beginning of an id belongs to."""
        return self._to.get(Found, f"/v1/records/{segment(ref)}")

    def heuristics(
        self,
        *,
        domain: str | None = None,
        slot: str | None = None,
        family: str | None = None,
        confirmed: bool | None = None,
        below: float | None = None,
        text: str | None = None,
        sort: Literal["best", "ratio"] | None = None,
        limit: int | None = None,
    ) -> Iterator[Best]:
        """Yield the heuristics that are known, confirmed ones first, then by ratio."""
        wanted = {"domain": domain, "slot": slot, "family": family, "text": text, "below": below, "sort": sort}
        return self._to.pages(Best, "/v1/heuristics", confirmed=confirmed, limit=limit, **wanted)

    def candidate(self, candidate: str) -> CandidateView:
        """Return a candidate with its sources, the trial that made it, verdicts and exports."""
        return self._to.get(CandidateView, f"/v1/candidates/{segment(candidate)}")

    def details(self, candidate: str) -> CandidateDetails:
        """Return all about a candidate, with every trial that led to it, exchanges and measurements."""
        return self._to.get(CandidateDetails, f"/v1/records/candidates/{segment(candidate)}")

    def trials_of(self, candidate: str, *, limit: int | None = None) -> Iterator[TrialLine]:
        """Yield the trials that led to a candidate."""
        return self._to.pages(TrialLine, f"/v1/candidates/{segment(candidate)}/trials", limit=limit)

    def measurements(
        self,
        candidate: str,
        *,
        split: Split = Split.SEARCH,
        run: str | None = None,
        against: Against = Against.INCUMBENT,
        limit: int | None = None,
    ) -> Iterator[MeasuredLine]:
        """Yield what a candidate did instance by instance, with the incumbent of its race or the baseline beside it."""
        path = f"/v1/candidates/{segment(candidate)}/measurements"
        return self._to.pages(MeasuredLine, path, split=split.value, run=run, against=against.value, limit=limit)

    def lineage(self, candidate: str, *, depth: int = 10_000, size: int = 2_000) -> Graph:
        """Return a candidate and its ancestors, the nearest first."""
        return self._to.get(Graph, f"/v1/candidates/{segment(candidate)}/lineage", depth=depth, size=size)

    def diff(self, candidate: str, to: str = "parent") -> Diff:
        """Return what a candidate changes against its parent, the baseline, or another by its id."""
        return self._to.get(Diff, f"/v1/candidates/{segment(candidate)}/diff", to=to)

    def compare(self, candidate: str, other: str, *, split: Sequence[Split] = ()) -> Comparison:
        """Compare two candidates on all that both were measured on, or on what they were measured on of some splits."""
        path = f"/v1/candidates/{segment(candidate)}/compare/{segment(other)}"
        return self._to.get(Comparison, path, split=[one.value for one in split])

    def compilation(self, candidate: str) -> Compilation:
        """Return what the compiler said of a candidate when its search built it, or lately on the server."""
        return self._to.get(Compilation, f"/v1/candidates/{segment(candidate)}/compilation")

    def compile(self, candidate: str) -> Compilation:
        """Compile a candidate again on the server, and return what the compiler says."""
        return self._to.post(Compilation, f"/v1/candidates/{segment(candidate)}/compilation", {})

    def confirm(self, candidate: str, instances: str | Sequence[str], **settings: Any) -> JobRecord:
        """Ask for a candidate to be measured on unseen instances; the verdict is the result of the job.

        Args:
            candidate: its id.
            instances: families, or suite:NAME.
            settings: against, seed, per_family, twins, seeds, limit, workers, tuned_baseline, priority.
        """
        chosen = [instances] if isinstance(instances, str) else list(instances)
        body = {"instances": chosen, **{name: value for name, value in settings.items() if value is not None}}
        return self._to.post(JobRecord, f"/v1/candidates/{segment(candidate)}/confirm", body)

    def export(
        self, candidate: str, kind: str, *, numbers: Literal["tuned", "declared"] | None = None
    ) -> ArtefactRecord:
        """Build an artefact of a candidate; `download` fetches it."""
        path = f"/v1/candidates/{segment(candidate)}/artefacts"
        return self._to.post(ArtefactRecord, path, {"kind": kind, "numbers": numbers})

    def download(self, artefact: ArtefactRecord, out: Path) -> Path:
        """Write an artefact into a file, whole or not at all; a folder comes packed as .tar.gz.

        Raises:
            SlotforgeError: what came is not what was built.
        """
        self._to.download(f"/v1/artefacts/{segment(artefact.id)}", out, sha256=artefact.sha256)
        return out

    # jobs

    def jobs(
        self, *, owner: str | None = None, state: Sequence[State] = (), limit: int | None = None
    ) -> Iterator[JobRecord]:
        """Yield the jobs, the newest first."""
        return self._to.pages(JobRecord, "/v1/jobs", owner=owner, state=list(state), limit=limit)

    def job(self, job: str) -> JobRecord:
        """Return a job as it stands."""
        return self._to.get(JobRecord, f"/v1/jobs/{segment(job)}")

    def job_log(self, job: str, *, size: int | None = None) -> JobLog:
        """Return the end of what the process of a job has said, so many bytes at most; of a search, its run will do."""
        return self._to.get(JobLog, f"/v1/jobs/{segment(job)}/log", size=size)

    def wish_job(self, job: str, wish: Wish) -> JobRecord:
        """Ask for a job of any kind to pause, resume or cancel."""
        return self._to.post(JobRecord, f"/v1/jobs/{segment(job)}/{wish}")

    # instances and suites

    def instances(self, *, limit: int | None = None) -> Iterator[BlobRecord]:
        """Yield the uploaded instances, the newest first."""
        return self._to.pages(BlobRecord, "/v1/instances", limit=limit)

    def instance(self, instance: str) -> BlobRecord:
        """Return what is known of an uploaded instance."""
        return self._to.get(BlobRecord, f"/v1/instances/{segment(instance)}")

    def content(self, instance: str, out: Path) -> Path:
        """Write an uploaded instance into a file, compressed by gzip."""
        self._to.download(f"/v1/instances/{segment(instance)}/content", out)
        return out

    def remove_instance(self, instance: str) -> None:
        """Remove an instance that no suite holds."""
        self._to.delete(type(None), f"/v1/instances/{segment(instance)}")

    def upload(self, *paths: Path) -> Uploaded:
        """Upload CNF files, and those that lie in folders themselves; the same content is kept once.

        Raises:
            UsageError: a path is not there, or no file can be used.
            TooMuch: the server does not take or keep one of them; what it has taken by then stays there.
        """
        left_out: list[str] = []
        files = list(formulas(paths, left_out))
        found = in_parts(files, lambda part: self._to.upload(Uploaded, "/v1/instances", part))
        if not found.instances:
            raise UsageError("\n".join([f"no CNF file in {', '.join(map(str, paths))} can be used", *left_out]))
        return found.model_copy(update={"warnings": (*left_out, *found.warnings)})

    def suites(self, *, limit: int | None = None) -> Iterator[SuiteSummary]:
        """Yield the suites by name."""
        return self._to.pages(SuiteSummary, "/v1/suites", limit=limit)

    def suite(self, name: str) -> SuiteRecord:
        """Return a suite with its instances."""
        return self._to.get(SuiteRecord, _suite(name))

    def put_suite(self, name: str, instances: Sequence[str]) -> SuiteRecord:
        """Make a suite of uploaded instances, in the place of any of this name."""
        check_name(name)
        return self._to.put(SuiteRecord, _suite(name), {"instances": list(instances)})

    def upload_suite(self, name: str, *paths: Path) -> SuiteUploaded:
        """Upload CNF files and folders of them, and make the suite of them."""
        check_name(name)
        found = self.upload(*paths)
        suite = self.put_suite(name, [one.id for one in found.instances])
        return SuiteUploaded(suite=suite, left_out=found.left_out, warnings=found.warnings)

    def remove_suite(self, name: str) -> None:
        """Remove a suite, and none of its instances."""
        self._to.delete(type(None), _suite(name))


def _suite(name: str) -> str:
    if not NAME.fullmatch(name):
        raise no_suite(name)
    return f"/v1/suites/{segment(name)}"
