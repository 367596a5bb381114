"""A run, shown: how it was set up, how it went, what came out, what it cost, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from slotforge.core.errors import UsageError
from slotforge.core.notes import grouped
from slotforge.core.types import Event, Trial
from slotforge.lineage.records import RunDetails
from slotforge.search.report import UNREADABLE, read
from slotforge.service.cli import _curve
from slotforge.service.cli._ablation import print_ablation
from slotforge.service.cli._console import columns_left, interval, moment, print_table, stdout, word
from slotforge.service.cli._json import print_json
from slotforge.service.cli._report import TITLE, UNMEASURED, terms_of, title_of
from slotforge.service.cli._source import Source
from slotforge.service.cli._verdict import print_verdict
from slotforge.service.views import course

EXAMPLES = 3  # of each class of failures
HISTORY = 10  # events, the last ones


def show_run(source: Source, id_: str, *, plot: Path | None, as_json: bool) -> None:
    """Print a run, and write its curve where that is asked for."""
    shown = source.run(id_)
    if plot:
        if not (points := source.scored(id_)):
            raise UsageError(f"run {id_} has no scored trial yet: there is no curve to draw")
        _curve.write_svg(plot, points, source.curve(id_).last, f"best ratio so far of run {id_}")
    if as_json:
        print_json(shown)
        return
    console = stdout()
    _print_setup(console, shown)
    _print_history(console, shown.events)
    curve = source.curve(id_)
    _print_course(console, source.tried(id_), curve)
    if shown.run.report is None and curve.steps and curve.steps[-1][0] > 0:
        _print_best(console, source.trial(id_, curve.steps[-1][0]))
    _print_outcome(console, shown)
    _print_failures(console, shown.failures)


def _print_setup(console: Console, details: RunDetails) -> None:
    run, config = details.run, details.run.config
    sizes = ", ".join(f"{len(getattr(run.suite, split))} {split}" for split in ("search", "select", "holdout"))
    budget = ", ".join(f"{name} {value}" for name, value in config.budget.model_dump().items() if value is not None)
    console.print(f"[bold]run {run.id}[/]  {word(run.state)}  started {moment(run.started)}")
    facts = {
        "domain": config.domain,
        "instances": f"{', '.join(config.instances)} ({sizes})",
        "slots": ", ".join(config.slots) or "all",
        "strategy": config.strategy,
        "model": config.model,
        "budget": budget or "none",
        "seed": str(config.seed),
        "workers": f"{config.workers} ({config.executor}), window {config.window}",
        **_options(config.options),
        "environment": ", ".join(f"{key} {value}" for key, value in run.environment.items()),
    }
    for name, value in facts.items():
        console.print(f"  [dim]{name:12}[/]{escape(value)}", soft_wrap=True)
    for line in grouped(run.suite.warnings):
        console.print(f"  [dim]warning[/]     {escape(line)}", soft_wrap=True)


def _options(options: Mapping[str, Any]) -> dict[str, str]:
    """Tell the options, and the variants of prompts by their ids; those that are not told are shipped."""
    found = dict(options)
    prompts = found.pop("prompts", {})
    told = {"options": ", ".join(f"{key} {value}" for key, value in found.items())}
    told["prompts"] = ", ".join(f"{operator} {id_}" for operator, id_ in prompts.items())
    return {name: text for name, text in told.items() if text}


def _print_history(console: Console, events: Sequence[Event]) -> None:
    rows = [(moment(one.at), word(one.kind), escape(str(one.facts.get("why", "")))) for one in events[-HISTORY:]]
    if len(events) > HISTORY:
        rows.insert(0, ("...", f"{len(events) - HISTORY} earlier", ""))
    if rows:
        print_table(console, ("at", "history", "why"), rows, texts=("why",))


def _print_course(console: Console, tried: Mapping[str, int], curve: course.Curve) -> None:
    told = "  ".join(f"{count} {word(state)}" for state, count in tried.items())
    count = sum(tried.values())
    console.print(f"\n{count} candidate{'s' * (count != 1)} tried{':  ' * bool(told)}{told}", soft_wrap=True)
    if not curve.steps:
        return
    steps = curve.steps
    bars = _curve.sparkline(steps, curve.last, columns_left(46))
    (_, first), (number, best) = steps[0], steps[-1]
    console.print(f"best proposal  {first:.3f} [cyan]{bars}[/] [bold]{best:.3f}[/] (trial {number})")


def _print_best(console: Console, trial: Trial) -> None:
    """Name the best of a search that has no report yet."""
    if trial.candidate:
        console.print(f"best so far [bold]{trial.candidate.id}[/] replaces {', '.join(trial.candidate.slots)}")


def _print_outcome(console: Console, details: RunDetails) -> None:
    report = read(details.run.report)
    if details.run.report and report is None:
        console.print(UNREADABLE, style="yellow", soft_wrap=True)
    if report and report.best.slots:
        console.print(f"{title_of(report)} [bold]{report.best.candidate}[/] replaces {', '.join(report.best.slots)}")
    if report and report.best.slots and report.holdout:
        terms = terms_of(details.run.config.domain)
        title = TITLE.format(reference=terms.reference)
        print_verdict(console, report.holdout, terms, title=title, controls=report.rivals)
        print_ablation(console, report.ablation, title_of(report))
    elif report and report.state == "finished":
        console.print(UNMEASURED.format(why=report.unmeasured), soft_wrap=True)
    for one in details.confirmations:
        held = one.verdict
        figures = f"{word(held.verdict)}, {held.ratio:.3f} ({interval(held.low, held.high)})"
        where = f" on {escape(', '.join(one.families))}" if one.families else ""
        about = f"verdict on {one.candidate} against {one.against}{where}: {figures}"
        console.print(f"  [dim]{moment(one.at)}[/] {about}", soft_wrap=True)
    used = details.usage
    paid = f", {used.calls} calls, {used.tokens} tokens, {used.usd:.4f} USD" if used.tokens else ""
    console.print(f"cost: {used.cpu_s:.0f} CPU seconds{paid}", style="dim")


def _print_failures(console: Console, failures: course.Failures) -> None:
    rows = [
        (word(state) if i == 0 else "", str(count), escape(reason))
        for state, reasons in failures.items()
        for i, (reason, count) in enumerate(list(reasons.items())[:EXAMPLES])
    ]
    if rows:
        print_table(console, ("failures", "times", "for example"), rows, numbers=("times",), texts=("for example",))
