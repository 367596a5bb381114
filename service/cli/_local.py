"""Commands on a store of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from slotforge.core.errors import UsageError
from slotforge.core.prompting import PromptRecord
from slotforge.core.types import Candidate, RunConfig, Suite, Trial
from slotforge.lineage import keys, ledger, queries, suites
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.audit import AuditRecord, audit, note
from slotforge.lineage.jobs import OVER, refuse_driver
from slotforge.lineage.keys import KeyRecord, NewKey, Scope
from slotforge.lineage.ledger import UsageLine
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.records import Ancestor, Best, CandidateDetails
from slotforge.lineage.store import SqlStore
from slotforge.lineage.suites import SuiteRecord, SuiteSummary
from slotforge.service.cli._driver import available_cores
from slotforge.service.cli._source import Confirmed
from slotforge.service.jobs import log
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.outcome import Outcome
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Queue, Wish
from slotforge.service.views import course, details, prompts, runs, trials
from slotforge.service.views.course import Curve, LogLine
from slotforge.service.views.details import Found
from slotforge.service.views.heuristics import Wanted, heuristics
from slotforge.service.views.names import check_names
from slotforge.service.views.prompts import VariantView
from slotforge.service.views.runs import RunLine, RunShown

ALL = 2**31


class Local:
    """A store; see `_source.Source`."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    @property
    def name(self) -> str:
        """Its file, or its URL without passwords."""
        return self.store.name

    def runs(self, limit: int) -> Sequence[RunLine]:
        """List the runs, the newest first."""
        return runs.runs(self.store, limit=limit).items

    def usage(self, owner: str | None) -> Sequence[UsageLine]:
        """Tell what one owner or all have spent, the newest month first."""
        return ledger.usage(self.store, owner=owner)

    def audit(self, actor: str | None, limit: int) -> Sequence[AuditRecord]:
        """List what one actor or all have done through the service, the newest first."""
        return audit(self.store, limit=limit, actor=actor)

    def find(self, ref: str) -> Found:
        """Say what the beginning of an id belongs to."""
        return details.found(self.store, ref)

    def run(self, run: str) -> RunShown:
        """Return all about a run but its trials."""
        return runs.shown(self.store, runs.run_id(self.store, run))

    def suite_of(self, run: str) -> Suite:
        """Return the instances of a run."""
        return self.store.run(run).suite

    @property
    def workers(self) -> int:
        """As many as this machine has cores."""
        return available_cores()

    def curve(self, run: str) -> Curve:
        """Return the best ratio so far over the trials of a run."""
        return course.curve(self.store, runs.run_id(self.store, run))

    def scored(self, run: str) -> Sequence[tuple[int, float]]:
        """Return number and ratio of the trials that were measured in full, without the controls."""
        return course.scored(self.store, runs.run_id(self.store, run))

    def tried(self, run: str) -> Mapping[str, int]:
        """Count the proposals of a run by what became of them."""
        return course.tried(self.store, runs.run_id(self.store, run))

    def trial(self, run: str, number: int) -> Trial:
        """Return a trial whole."""
        return trials.trial(self.store, runs.run_id(self.store, run), number)

    def log(self, run: str, limit: int) -> Sequence[LogLine]:
        """List what happened to a run, the newest first."""
        return course.log(self.store, runs.run_id(self.store, run), limit=limit).items

    def process_log(self, run: str) -> JobLog:
        """Return the end of what the process of a run has said; raises UnknownId where there is no such log."""
        return log.tail(runs.run_id(self.store, run))

    def candidate(self, ref: str) -> Candidate:
        """Return a candidate."""
        return queries.candidate(self.store, ref)

    def details(self, candidate: str) -> CandidateDetails:
        """Return all about a candidate."""
        return queries.show_candidate(self.store, candidate)

    def lineage(self, candidate: str) -> Sequence[Ancestor]:
        """List a candidate and its ancestors, the nearest first."""
        return queries.lineage(self.store, candidate)

    def best(self, domain: str, slot: str | None, family: str | None, limit: int) -> Sequence[Best]:
        """List the best candidates of a domain; raises UsageError where a name is none."""
        check_names(self.store, domain, slot, family)
        return heuristics(self.store, Wanted(domain=domain, slot=slot, family=family), limit=limit).items

    def export(self, ref: str, kind: str, out: Path, numbers: str | None) -> Path:
        """Write a candidate as an artefact, and keep that it was exported."""
        from slotforge.core import registry
        from slotforge.service.cli._export import meant
        from slotforge.service.views.provenance import provenance

        candidate = meant(ref, kind, numbers, self)
        domain = registry.load(f"slotforge.solvers.{candidate.domain}", "domain").domain()
        told = provenance(self.store, candidate, tuned=numbers != "declared")
        written: Path = domain.export(candidate, kind, out, told)
        self.store.record_artefact(candidate, kind, written.absolute())
        return written

    def replay(self, run: str, out: Path) -> Path:
        """Write the exchanges of a run with its model as a replay file."""
        lines = "".join(details.replay(self.store, run))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(lines, encoding="utf-8")
        return out

    def search(self, config: RunConfig, *, as_json: bool) -> None:
        """Run a search to its report and print it; exits with 130 when the user leaves it."""
        from slotforge.service.cli._driver import drive

        drive(self.store, config, as_json=as_json)

    def resume(self, run: str, *, take_over: bool, as_json: bool) -> None:
        """Go on with a run to its report and print it, as `search`; one of the queue is left to its servers."""
        from slotforge.service.cli._driver import drive, publish
        from slotforge.service.cli._report import report_of

        id_ = runs.run_id(self.store, run)
        asked = runs.asked(self.store, id_)
        record = asked.record(id_) if asked and asked.waits else self.store.run(id_)
        if record.state == "finished":
            publish(report_of(record), record.config, as_json=as_json)
        elif asked and asked.state not in OVER:
            self._queue_again(id_, take_over=take_over, as_json=as_json)
        else:
            with self.store.reading() as connection:
                refuse_driver(connection, id_)
            drive(self.store, record.config, run_id=id_, take_over=take_over, as_json=as_json)

    def _queue_again(self, run: str, *, take_over: bool, as_json: bool) -> None:
        from slotforge.service.cli._json import print_json

        if take_over:
            raise UsageError("a server takes over by itself what another has lost: leave --take-over out")
        job = self.wish(run, "resume")
        if as_json:
            print_json(job)
        else:
            print(f"{job.id} is {job.state}: a server goes on with it, `slotforge show {job.id}` tells how it stands")

    def confirm(self, config: ConfirmConfig) -> Confirmed:
        """Measure a candidate on unseen instances; candidates are those that commands take."""
        from slotforge.search.confirm import Confirmation
        from slotforge.service.cli._progress import watching
        from slotforge.service.cli._refs import resolve_pair

        one, other = resolve_pair(config.candidate, config.against, self)
        with watching() as observer:
            asked = config.model_dump(exclude={"candidate", "against", "instances", "executor"})
            job = Confirmation(candidate=one, against=other, specs=config.instances, observer=observer, **asked)
            found = job.run(self.store)
        outcome = Outcome(verdict=found.verdict, controls=found.controls)
        return Confirmed(candidate=one, against=other, outcome=outcome)

    def wish(self, run: str, wish: Wish) -> JobRecord:
        """Ask for a run of the queue to pause, resume or end."""
        queue = Queue(self.store)
        return queue.wish(queue.job(run).id, wish)

    def suites(self) -> Sequence[SuiteSummary]:
        """List the named suites."""
        return suites.suites(self.store, limit=ALL)

    def suite(self, name: str) -> SuiteRecord:
        """Return a named suite."""
        return suites.suite(self.store, name)

    def add_suite(self, name: str, paths: Sequence[Path]) -> tuple[SuiteRecord, Sequence[str]]:
        """Make a named suite of files and folders of them; tells the files that were left out, one line each."""
        from slotforge.service.instances.suites import add_files
        from slotforge.service.instances.vault import Vault

        return add_files(Vault(self.store), name, paths, owner="local", admin=True)

    def remove_suite(self, name: str) -> SuiteRecord:
        """Remove a named suite."""
        return suites.remove(self.store, name)

    def keys(self) -> Sequence[KeyRecord]:
        """List the keys by name, without their secrets."""
        return keys.keys(self.store)

    def add_key(self, name: str, scopes: Sequence[Scope], limits: Allowance, days: float | None) -> NewKey:
        """Make a key."""
        made = keys.add_key(self.store, name, scopes, limits=limits, days=days)
        self._note("keys add", name)
        return made

    def revoke_key(self, name: str) -> KeyRecord:
        """Let a key be valid no longer."""
        revoked = keys.revoke(self.store, name)
        self._note("keys revoke", name)
        return revoked

    def _note(self, command: str, target: str) -> None:
        """Keep in the audit what the user of this machine did to who may use the service."""
        note(self.store, actor="local", action=f"slotforge {command}", target=target, facts={"uid": os.getuid()})

    def prompts(self, domain: str | None) -> Sequence[PromptRecord]:
        """List the searches for prompts of one domain or of all, the one that got on last first."""
        return PromptBook(self.store).searches(domain)

    def prompt(self, ref: str) -> VariantView:
        """Return a variant of a prompt."""
        return prompts.variant(self.store, ref)
