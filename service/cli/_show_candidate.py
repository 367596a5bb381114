"""A candidate, shown: its sources, where it comes from, and how it did instance by instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from slotforge.core.errors import UsageError
from slotforge.core.types import Measurement, Trial
from slotforge.lineage.records import CandidateDetails
from slotforge.service.cli import _step_score
from slotforge.service.cli._console import code, interval, moment, print_table, ratio, stdout, word
from slotforge.service.cli._json import print_json
from slotforge.service.cli._report import terms_of
from slotforge.service.cli._source import Source

EDGE = 5  # instances shown from each end
TRIALS = ("run", "trial", "operator", "slots", "state", "ratio", "instances", "against", "parents", "reason")
LARGE = 100  # a cost from here on is told in whole numbers
MEASURED = ("instance", "family", "outcome", "cost", "ratio", "CPU s", "answer", "evidence")
CONFIRMED = ("at", "against", "ratio", "95 % interval", "instances", "of", "verdict")


def show_candidate(source: Source, id_: str, *, plot: Path | None, prompt: bool, as_json: bool) -> None:
    """Print a candidate, and draw a step rule where that is asked for.

    Raises:
        UsageError: there is nothing to draw.
    """
    details = source.details(id_)
    rule = details.candidate.domain == _step_score.DOMAIN
    if plot and not rule:
        raise UsageError(f"{id_} is a candidate without a curve: give a run of `slotforge runs`, or a step rule")
    both = _step_score.compared(source, details) if rule else ([], [])
    if plot:
        _step_score.write_picture(plot, id_, both)
    if as_json:
        scored = {"step_scores": _step_score.document(both)} if rule else {}
        print_json({**details.model_dump(mode="json"), **scored})
        return
    console = stdout()
    slots = ", ".join(details.candidate.slots) or "nothing: it is the baseline"
    console.print(f"[bold]candidate {id_}[/] of {details.candidate.domain} replaces {slots}")
    for slot, written in details.candidate.slots.items():
        console.print(f"\n[bold]{slot}[/]")
        code(console, written.strip(), terms_of(details.candidate.domain).language)
    _print_trials(console, details.trials)
    if prompt:
        _print_exchanges(console, details.trials)
    if details.candidate.slots:
        _print_measurements(console, source, details)
    if rule:
        _step_score.print_scores(console, both)
        _step_score.print_numbers(console, details)
    _print_confirmations(console, details)
    for artefact in details.artefacts:
        console.print(f"exported as {artefact.kind} to {artefact.path} at {moment(artefact.at)}", markup=False)


def _print_trials(console: Console, trials: Sequence[Trial]) -> None:
    rows = [
        (
            t.run,
            str(t.number),
            escape(t.operator),
            ", ".join(t.slots),
            word(t.state),
            ratio(t.ratio),
            str(t.instances),
            "" if t.against is None else str(t.against),
            ", ".join(t.parents),
            escape(t.reason),
        )
        for t in trials
    ]
    if rows:
        texts = ("operator", "slots", "parents", "reason")
        print_table(
            console,
            TRIALS,
            rows,
            numbers=("trial", "ratio", "instances", "against"),
            texts=texts,
            title="trials that made it",
        )


def _print_exchanges(console: Console, trials: Sequence[Trial]) -> None:
    for trial in trials:
        for call in trial.calls:
            stage, model = escape(call.stage), escape(call.completion.model)
            console.print(f"\n[bold]run {trial.run}, trial {trial.number}, {stage}[/] {model}")
            for role, text in (*call.prompt.messages, ("answer", call.completion.text)):
                console.print(f"\n[bold cyan]{role}[/]")
                code(console, text, "markdown")


def _print_measurements(console: Console, source: Source, details: CandidateDetails) -> None:
    """Show the trial that was measured on most instances, against the baseline of its run."""
    trial = max(details.trials, key=lambda t: len(t.measurements), default=None)
    if trial is None or not trial.measurements:
        return
    costs = {m.instance: m.cost for m in source.trial(trial.run, 0).measurements}
    suite = source.suite_of(trial.run)
    names = {i.id: i.name for i in suite.search + suite.select + suite.holdout}
    order = sorted(trial.measurements, key=lambda m: -_ratio(m, costs))
    shown = order if len(order) <= 2 * EDGE else [*order[:EDGE], None, *order[-EDGE:]]
    rows = [_measured(m, names, costs) if m else ("...",) for m in shown]
    title = f"run {trial.run}, trial {trial.number}: {len(order)} instances, from the worst to the best ratio"
    print_table(console, MEASURED, rows, numbers=("cost", "ratio", "CPU s"), texts=("instance", "family"), title=title)


def _measured(m: Measurement, names: Mapping[str, str], costs: Mapping[str, float]) -> tuple[str, ...]:
    known = ratio(_ratio(m, costs)) if m.instance in costs else ""
    name = escape(names.get(m.instance, m.instance))
    cost = f"{m.cost:.0f}" if m.cost >= LARGE else f"{m.cost:.3g}"
    return name, escape(m.family), word(m.outcome), cost, known, f"{m.cpu_s:.2f}", m.answer, m.evidence


def _ratio(m: Measurement, costs: Mapping[str, float]) -> float:
    return m.cost / costs.get(m.instance, m.cost)


def _print_confirmations(console: Console, details: CandidateDetails) -> None:
    rows = [
        (
            moment(one.at),
            one.against,
            ratio(one.verdict.ratio),
            interval(one.verdict.low, one.verdict.high),
            str(one.verdict.instances),
            escape(", ".join(one.families)),
            word(one.verdict.verdict),
        )
        for one in details.confirmations
    ]
    if rows:
        print_table(
            console,
            CONFIRMED,
            rows,
            numbers=("ratio", "instances"),
            texts=("of",),
            title="verdicts on unseen instances",
        )
