"""Commands on a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slotforge.core.errors import UnknownId, UsageError
from slotforge.core.prompting import PromptRecord
from slotforge.core.types import Candidate, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.audit import AuditRecord
from slotforge.lineage.keys import KeyRecord, NewKey, Scope
from slotforge.lineage.ledger import UsageLine
from slotforge.lineage.records import Ancestor, Best, CandidateDetails
from slotforge.lineage.suites import SuiteRecord, SuiteSummary, check_name
from slotforge.service.cli._source import Confirmed
from slotforge.service.client import Client
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Wish
from slotforge.service.views.course import Curve, LogLine
from slotforge.service.views.details import Found
from slotforge.service.views.names import DOMAINS, check_known
from slotforge.service.views.prompts import VariantView
from slotforge.service.views.runs import RunLine, RunShown

PACKED = ".tar.gz"
SCORED = (TrialState.SCORED, TrialState.CONFIRMED)


class Remote:
    """A server; see `_source.Source`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def name(self) -> str:
        """Its URL."""
        return self.client.url

    def runs(self, limit: int) -> Sequence[RunLine]:
        """List the runs, the newest first."""
        return list(self.client.runs(limit=limit))

    def usage(self, owner: str | None) -> Sequence[UsageLine]:
        """Tell what one owner or all have spent, the newest month first."""
        return list(self.client.usage(owner=owner))

    def audit(self, actor: str | None, limit: int) -> Sequence[AuditRecord]:
        """List what one actor or all have done through the service, the newest first."""
        return list(self.client.audit(actor=actor, limit=limit))

    def find(self, ref: str) -> Found:
        """Say what the beginning of an id belongs to."""
        return self.client.find(ref)

    def run(self, run: str) -> RunShown:
        """Return all about a run but its trials."""
        return self.client.run(run)

    def suite_of(self, run: str) -> Suite:
        """Return the instances of a run."""
        return self.client.run(run).run.suite

    @property
    def workers(self) -> int:
        """What the server takes for the usual."""
        return self.client.system().workers

    def curve(self, run: str) -> Curve:
        """Return the best ratio so far over the trials of a run."""
        return self.client.curve(run)

    def scored(self, run: str) -> Sequence[tuple[int, float]]:
        """Return number and ratio of the trials that were measured in full, without the controls."""
        found = self.client.trials(run, state=SCORED)
        return [(one.number, one.ratio) for one in found if one.number >= 0 and one.ratio is not None]

    def tried(self, run: str) -> Mapping[str, int]:
        """Count the proposals of a run by what became of them."""
        return dict(sorted(Counter(str(one.state) for one in self.client.trials(run) if one.number > 0).items()))

    def trial(self, run: str, number: int) -> Trial:
        """Return a trial whole."""
        return self.client.trial(run, number)

    def log(self, run: str, limit: int) -> Sequence[LogLine]:
        """List what happened to a run, the newest first."""
        return list(self.client.log(run, limit=limit))

    def process_log(self, run: str) -> JobLog:
        """Return the end of what the process of a run has said; raises UnknownId where there is no such log."""
        return self.client.job_log(run)

    def candidate(self, ref: str) -> Candidate:
        """Return a candidate."""
        found = self.client.candidate(ref)
        return Candidate(domain=found.domain, slots=found.slots)

    def details(self, candidate: str) -> CandidateDetails:
        """Return all about a candidate."""
        return self.client.details(candidate)

    def lineage(self, candidate: str) -> Sequence[Ancestor]:
        """List a candidate and its ancestors, the nearest first."""
        return self.client.lineage(candidate).nodes

    def best(self, domain: str, slot: str | None, family: str | None, limit: int) -> Sequence[Best]:
        """List the best candidates of a domain; raises UsageError where a name is none."""
        found = list(self.client.heuristics(domain=domain, slot=slot, family=family, limit=limit))
        if not found:
            self._check_names(domain, slot, family)
        return found

    def _check_names(self, domain: str, slot: str | None, family: str | None) -> None:
        """Refuse names that nothing has: the server has found nothing, so only those are right that are known here."""
        if domain in DOMAINS or not list(self.client.heuristics(domain=domain, limit=1)):
            check_known(domain, slot, family)

    def export(self, ref: str, kind: str, out: Path, numbers: Any) -> Path:
        """Let the server build an artefact of a candidate that it knows, and fetch it."""
        from slotforge.service.cli._fetch import unpacked

        artefact = self.client.export(self._known(ref), kind, numbers=numbers)
        if not artefact.file.endswith(PACKED):
            return self.client.download(artefact, out)
        with unpacked(out) as archive:
            self.client.download(artefact, archive)
        return out

    def replay(self, run: str, out: Path) -> Path:
        """Write the exchanges of a run with its model as a replay file."""
        return self.client.replay(run, out)

    def search(self, config: RunConfig, *, as_json: bool) -> None:
        """Ask for a search, and follow it to its report; exits with 130 when the user leaves it."""
        from slotforge.service.cli._follow import follow

        if config.base_url or config.executor != "process":
            raise UsageError("a server has base URLs and executors of its own: leave --base-url and --executor out")
        told = config.model_dump(exclude={"domain", "instances", "budget", "options", "base_url", "executor"})
        job = self.client.discover(
            self._specs(config.domain, config.instances),
            domain=config.domain,
            budget=config.budget,
            options=_options(config.options),
            **told,
        )
        follow(self.client, job.id, config, as_json=as_json)

    def resume(self, run: str, *, take_over: bool, as_json: bool) -> None:
        """Ask for a run to go on unless it does, and follow it to its report."""
        from slotforge.service.cli._driver import publish
        from slotforge.service.cli._follow import follow
        from slotforge.service.cli._report import report_of

        if take_over:
            raise UsageError("a server takes over by itself what another has lost: leave --take-over out")
        shown = self.client.run(run).run
        if shown.state == "finished":
            return publish(report_of(shown), shown.config, as_json=as_json)
        if shown.state in ("paused", "failed"):
            self.client.resume(shown.id)
        return follow(self.client, shown.id, shown.config, as_json=as_json)

    def confirm(self, config: ConfirmConfig) -> Confirmed:
        """Ask for a confirmation, and wait for its verdict."""
        from slotforge.service.cli._follow import wait

        one = self.candidate(self._known(config.candidate))
        baseline = config.against == "baseline"
        other = Candidate(domain=one.domain) if baseline else self.candidate(self._known(config.against))
        asked = config.model_dump(exclude={"candidate", "against", "instances", "executor"})
        specs = self._specs(one.domain, config.instances)
        against = "baseline" if not other.slots else other.id
        job = self.client.confirm(one.id, specs, against=against, **asked)
        return Confirmed(candidate=one, against=other, outcome=wait(self.client, job))

    def wish(self, run: str, wish: Wish) -> JobRecord:
        """Ask for a run of the queue, or a confirmation, to pause, resume or end."""
        try:
            return self.client.wish(run, wish)
        except UnknownId:
            return self.client.wish_job(run, wish)

    def suites(self) -> Sequence[SuiteSummary]:
        """List the named suites."""
        return list(self.client.suites())

    def suite(self, name: str) -> SuiteRecord:
        """Return a named suite."""
        return self.client.suite(name)

    def add_suite(self, name: str, paths: Sequence[Path]) -> tuple[SuiteRecord, Sequence[str]]:
        """Make a named suite of files and folders of them; tells the files that were left out, one line each."""
        check_name(name)
        found = self.client.upload(*paths)
        suite = self.client.put_suite(name, [one.id for one in found.instances])
        return suite, [*(f"{one.why}, left out" for one in found.left_out), *found.warnings]

    def remove_suite(self, name: str) -> SuiteRecord:
        """Remove a named suite."""
        found = self.client.suite(name)
        self.client.remove_suite(name)
        return found

    def keys(self) -> Sequence[KeyRecord]:
        """List the keys by name, without their secrets."""
        return list(self.client.keys())

    def add_key(self, name: str, scopes: Sequence[Scope], limits: Allowance, days: float | None) -> NewKey:
        """Make a key."""
        return self.client.add_key(name, scopes, limits=limits, days=days)

    def revoke_key(self, name: str) -> KeyRecord:
        """Let a key be valid no longer."""
        return self.client.revoke_key(name)

    def prompts(self, domain: str | None) -> Sequence[PromptRecord]:
        """List the searches for prompts of one domain or of all, the one that got on last first."""
        return list(self.client.prompt_searches(domain=domain))

    def prompt(self, ref: str) -> VariantView:
        """Return a variant of a prompt."""
        return self.client.prompt(ref)

    def _known(self, ref: str) -> str:
        """Refuse what a server cannot know: files, and built-in variants by their names."""
        if not set(ref) <= set("0123456789abcdef"):
            raise UsageError(f"{ref}: a server takes candidates that it knows, by id: see `slotforge best DOMAIN`")
        return ref

    def _specs(self, domain: str, specs: Sequence[str]) -> list[str]:
        """Upload local files and folders, and name the suite of them in their place."""
        from slotforge.service.cli._fetch import uploaded

        return uploaded(self.client, domain, specs)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Tell settings as a request does: what is off is told as well, for a server begins with the usual ones."""
    return {"tune_share": 0, "library": False, **given}
