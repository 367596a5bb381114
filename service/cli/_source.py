"""What commands ask of a store or a server, in the same words, with the same answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from slotforge.core.prompting import PromptRecord
from slotforge.core.types import Candidate, Record, RunConfig, Suite, Trial
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.audit import AuditRecord
from slotforge.lineage.keys import KeyRecord, NewKey, Scope
from slotforge.lineage.ledger import UsageLine
from slotforge.lineage.records import Ancestor, Best, CandidateDetails
from slotforge.lineage.suites import SuiteRecord, SuiteSummary
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.outcome import Outcome
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Wish
from slotforge.service.views.course import Curve, LogLine
from slotforge.service.views.details import Found
from slotforge.service.views.prompts import VariantView
from slotforge.service.views.runs import RunLine, RunShown


class Confirmed(Record):
    """What came of a confirmation."""

    candidate: Candidate
    against: Candidate
    outcome: Outcome


class Source(Protocol):
    """A store, or a server: `_local.Local` and `_remote.Remote`. Ids may be cut to beginnings."""

    @property
    def name(self) -> str:
        """What to call it."""

    def runs(self, limit: int) -> Sequence[RunLine]:
        """List the runs, the newest first."""

    def usage(self, owner: str | None) -> Sequence[UsageLine]:
        """Tell what one owner or all have spent, the newest month first."""

    def audit(self, actor: str | None, limit: int) -> Sequence[AuditRecord]:
        """List what one actor or all have done through the service, the newest first."""

    def find(self, ref: str) -> Found:
        """Say what the beginning of an id belongs to."""

    def run(self, run: str) -> RunShown:
        """Return all about a run but its trials."""

    def suite_of(self, run: str) -> Suite:
        """Return the instances of a run."""

    @property
    def workers(self) -> int:
        """How many measurements at once are sensible where a user does not say."""

    def curve(self, run: str) -> Curve:
        """Return the best ratio so far over the trials of a run."""

    def scored(self, run: str) -> Sequence[tuple[int, float]]:
        """Return number and ratio of the trials that were measured in full, without the controls."""

    def tried(self, run: str) -> Mapping[str, int]:
        """Count the proposals of a run by what became of them."""

    def trial(self, run: str, number: int) -> Trial:
        """Return a trial whole."""

    def log(self, run: str, limit: int) -> Sequence[LogLine]:
        """List what happened to a run, the newest first."""

    def process_log(self, run: str) -> JobLog:
        """Return the end of what the process of a run has said; raises UnknownId where there is no such log."""

    def candidate(self, ref: str) -> Candidate:
        """Return a candidate."""

    def details(self, candidate: str) -> CandidateDetails:
        """Return all about a candidate."""

    def lineage(self, candidate: str) -> Sequence[Ancestor]:
        """List a candidate and its ancestors, the nearest first."""

    def best(self, domain: str, slot: str | None, family: str | None, limit: int) -> Sequence[Best]:
        """List the best candidates of a domain; raises UsageError where a name is none."""

    def export(self, ref: str, kind: str, out: Path, numbers: str | None) -> Path:
        """Write a candidate as an artefact."""

    def replay(self, run: str, out: Path) -> Path:
        """Write the exchanges of a run with its model as a replay file."""

    def search(self, config: RunConfig, *, as_json: bool) -> None:
        """Run a search to its report and print it; exits with 130 when the user leaves it."""

    def resume(self, run: str, *, take_over: bool, as_json: bool) -> None:
        """Go on with a run to its report and print it, as `search`."""

    def confirm(self, config: ConfirmConfig) -> Confirmed:
        """Measure a candidate on unseen instances; candidates are those that commands take."""

    def wish(self, run: str, wish: Wish) -> JobRecord:
        """Ask for a run of the queue to pause, resume or end."""

    def suites(self) -> Sequence[SuiteSummary]:
        """List the named suites."""

    def suite(self, name: str) -> SuiteRecord:
        """Return a named suite."""

    def add_suite(self, name: str, paths: Sequence[Path]) -> tuple[SuiteRecord, Sequence[str]]:
        """Make a named suite of files and folders of them; tells the files that were left out, one line each."""

    def remove_suite(self, name: str) -> SuiteRecord:
        """Remove a named suite."""

    def keys(self) -> Sequence[KeyRecord]:
        """List the keys by name, without their secrets."""

    def add_key(self, name: str, scopes: Sequence[Scope], limits: Allowance, days: float | None) -> NewKey:
        """Make a key."""

    def revoke_key(self, name: str) -> KeyRecord:
        """Let a key be valid no longer."""

    def prompts(self, domain: str | None) -> Sequence[PromptRecord]:
        """List the searches for prompts of one domain or of all, the one that got on last first."""

    def prompt(self, ref: str) -> VariantView:
        """Return a variant of a prompt."""
