"""Watch what a server does: the live progress of a search, and of a confirmation; Ctrl-C leaves it or ends it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import NoReturn

import click

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import RunConfig, TrialState
from slotforge.lineage.jobs import ENDED
from slotforge.service.cli._driver import publish
from slotforge.service.cli._progress import Display, watching
from slotforge.service.cli._report import report_of
from slotforge.service.client import Client
from slotforge.service.jobs.outcome import Outcome
from slotforge.service.jobs.queue import JobRecord, Wish
from slotforge.service.transport import ServerEvent, understood
from slotforge.service.views.course import LogLine
from slotforge.service.views.progress import Standing
from slotforge.service.views.trials import TrialLine

POLL_S = 1.0  # between two looks at a confirmation
SCORED = (TrialState.SCORED, TrialState.CONFIRMED)
SAID = {"detach": "goes on", "pause": "is to pause", "cancel": "is to end"}
WISHES: Mapping[str, Wish] = {"pause": "pause", "cancel": "cancel"}


def follow(client: Client, run: str, config: RunConfig, *, as_json: bool) -> None:
    """Show the progress of a run up to its end, and print its report; exits with 130 when the user leaves it.

    Raises:
        SlotforgeError: the run ends without a report.
    """
    with watching() as display:
        watcher = Watcher(display, config)
        display.note(f"run {run} on {client.url}")
        try:
            for event in client.events(run):
                with understood(client.url):
                    watcher.take(event)
        except KeyboardInterrupt:
            _leave(client, display, run, f"slotforge --server {client.url} resume {run}")
    shown = client.run(run).run
    if shown.report is None or shown.state not in ("finished", "interrupted"):
        raise SlotforgeError(f"run {run} is {shown.state}{watcher.why}: `slotforge show {run}` tells more")
    report = report_of(shown)
    publish(report, shown.config, as_json=as_json)
    if report.failure:
        raise SlotforgeError(f"the model does not answer ({report.failure}): go on with `slotforge resume {run}`")


class Watcher:
    """Turns the events of a run into what a search on this machine shows."""

    def __init__(self, display: Display, config: RunConfig) -> None:
        self.why = ""
        self._display = display
        self._total = config.budget.evals
        self._best = 1.0
        self._stage = ""
        self._state = ""

    def take(self, event: ServerEvent) -> None:
        """Show an event."""
        if event.kind == "trial":
            self._trial(TrialLine.model_validate(event.data))
        elif event.kind == "log":
            self._log(LogLine.model_validate(event.data))
        elif event.kind in ("state", "end"):
            self._stands(Standing.model_validate(event.data))

    def _trial(self, trial: TrialLine) -> None:
        if trial.number <= 0:
            self._begin("built-in policies and controls", None)
            self._display.step()
            return
        self._begin("searching", self._total)
        if trial.state in SCORED and trial.ratio is not None and trial.ratio < self._best:
            self._best = trial.ratio
            self._display.found(f"trial {trial.number} ({', '.join(trial.slots)})", trial.ratio)
        self._display.count(trial.number, trial.state)

    def _begin(self, stage: str, total: int | None) -> None:
        if stage != self._stage:
            self._stage = stage
            self._display.begin(stage, total)

    def _log(self, line: LogLine) -> None:
        if why := line.facts.get("why"):
            self._display.note(f"{line.kind}: {why}")

    def _stands(self, now: Standing) -> None:
        self.why = f" ({now.why})" if now.why else ""
        if now.state != self._state:
            self._state = now.state
            self._display.note(f"the run is {now.state}{self.why}")


def wait(client: Client, job: JobRecord) -> Outcome:
    """Wait for the outcome of a confirmation; exits with 130 when the user leaves it.

    Raises:
        SlotforgeError: there is none, as when the candidate was refuted.
    """
    with watching() as display:
        display.begin(f"confirmation {job.id} on {client.url}", None)
        try:
            while job.state not in ENDED:
                time.sleep(POLL_S)
                job = client.job(job.id)
        except KeyboardInterrupt:
            candidate = getattr(job.config, "candidate", "CANDIDATE")
            _leave(client, display, job.id, f"slotforge --server {client.url} show {candidate}")
    if job.state != "finished" or job.result is None:
        raise SlotforgeError(job.why or f"confirmation {job.id} is {job.state}")
    with understood(client.url):
        return Outcome.read(job.result)


def _leave(client: Client, display: Display, job: str, back: str) -> NoReturn:
    """Ask what is to become of a job that is left; it goes on where nobody can be asked, or will answer."""
    choice = "detach"
    try:
        display.close()
        if sys.stdin.isatty() and sys.stderr.isatty():
            choice = _asked(job)
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
    if wish := WISHES.get(choice):
        client.wish_job(job, wish)
    come_back = f"; come back with:  {back}" if choice != "cancel" else ""
    click.echo(f"{job} {SAID[choice]} on the server{come_back}", err=True)
    sys.exit(130)


def _asked(job: str) -> str:
    question = f"{job} goes on at the server: [d]etach, [p]ause or [c]ancel? (Enter or Ctrl-C: detach)"
    return str(
        click.prompt(question, default="detach", show_default=False, value_proc=_choice, prompt_suffix=" ", err=True)
    )


def _choice(text: str) -> str:
    """Complete the beginning of a word."""
    word = text.strip().lower()
    for choice in SAID:
        if word and choice.startswith(word):
            return choice
    raise click.UsageError(f"'{text.strip()}' is none of them: type d, p or c, or Enter to detach")
