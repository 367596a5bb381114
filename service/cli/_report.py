"""The report of a search, for people."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import RunConfig, Terms
from slotforge.lineage.records import RunRecord
from slotforge.search import worker
from slotforge.search.report import UNREADABLE, Best, Report, read
from slotforge.service.cli import _ablation
from slotforge.service.cli._console import ratio, stdout
from slotforge.service.cli._verdict import print_verdict

CHEAPER = {
    "best_builtin": "the built-in policy {name} costs no more: search longer, or use it ({use})",
    "start": "what the search began from costs no more: search longer, or use {candidate}",
    "tuned_baseline": "the solver as it ships, with tuned numbers, costs no more: search longer, or use {candidate}",
}
UNMEASURED = "not measured on unseen instances, because {why}"
TITLE = "cost on holdout instances, as a share of that of {reference} (below 1 is better)"


def terms_of(domain: str) -> Terms:
    """Return the terms in which a domain speaks of costs."""
    return worker.domain(domain).terms


def report_of(run: RunRecord) -> Report:
    """Return the report of a run that has one; raises SlotforgeError where it cannot be read."""
    report = read(run.report)
    if report is None:
        raise SlotforgeError(f"run {run.id} is {run.state}, but {UNREADABLE}; `slotforge show {run.id}` tells the rest")
    return report


def print_report(report: Report, config: RunConfig) -> None:
    """Print verdict, controls, cost, and the commands to try next."""
    console = stdout()
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(report.states.items()))
    before = f"; {report.raced_before} known ones were raced before" if report.raced_before else ""
    told = f"{report.trials} candidate{'s' * (report.trials != 1)} tried{f' ({states})' if states else ''}{before}"
    console.print(f"\n[bold]run {report.run}[/]: {told}", soft_wrap=True)
    if len(report.models) > 1:
        wrote = ", ".join(f"{escape(model)} {count}" for model, count in sorted(report.models.items()))
        console.print(f"written by: {wrote}", soft_wrap=True)
    if report.best.slots:
        console.print(f"{title_of(report)} [bold]{report.best.candidate}[/] replaces {', '.join(report.best.slots)}")
        _print_splits(console, report.best)
    elif report.state == "finished":
        why = UNMEASURED.format(why=report.unmeasured)
        console.print(f"{why}: the solver as it ships stays the best here", soft_wrap=True)
    if report.best.slots and report.holdout:
        terms = terms_of(config.domain)
        title = TITLE.format(reference=terms.reference)
        print_verdict(console, report.holdout, terms, title=title, controls=report.rivals)
        _print_against_control(console, report, config)
    _ablation.print_ablation(console, report.ablation, title_of(report))
    _print_library(console, report)
    _print_staleness(console, report)
    _print_cost(console, report)
    if report.best.slots:
        _print_next(console, report, config)


def _print_against_control(console: Console, report: Report, config: RunConfig) -> None:
    """Say in words when the search was not worth it."""
    terms, keep = terms_of(config.domain), _keep(report, config)
    use, reference = terms.use, terms.reference
    lost = report.holdout is not None and report.holdout.ratio > 1
    if report.best.policies and lost:
        lines = [f"no proposal did better than built-in policies, which cost more than {reference}: search longer"]
    elif report.best.policies:
        used = use.format(name=report.best.policies)
        lines = [f"no proposal did better than built-in policies: search longer, or use them ({used})"]
    else:
        lines = [
            CHEAPER[kind].format(name=control.name, candidate=control.candidate, use=use.format(name=control.name))
            for kind, control in report.rivals.items()
            if report.holdout is not None
            and (control.ratio < 1 if keep else control.ratio <= report.holdout.ratio)
            and control.candidate not in (report.baseline.candidate, report.best.candidate)
        ]
        if keep and not lines:
            lines = [f"{reference} costs less: search longer, or keep to it"]
    if report.best.candidate in {offered.candidate for offered in report.library}:
        lines.append("no proposal did better than what an earlier run found: search longer, or use that")
    for line in lines:
        console.print(line, style="yellow", highlight=False, soft_wrap=True)


def _keep(report: Report, config: RunConfig) -> bool:
    """Whether unseen instances cost the best candidate more than a baseline that can be used in its place."""
    domain = worker.domain(config.domain)
    usable = not domain.start(tuple(domain.slots())).slots
    return usable and report.holdout is not None and report.holdout.ratio > 1


def _print_library(console: Console, report: Report) -> None:
    """Tell which candidates of earlier runs the search could go on from, and how to do without."""
    if report.library:
        offered = ", ".join(f"{o.candidate} ({ratio(o.ratio) or o.state})" for o in report.library)
        line = f"from the library, and raced before the search: {offered}; --no-library leaves that out"
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def title_of(report: Report) -> str:
    """Say what the best candidate of a report is: a winner only when unseen instances confirm it."""
    if report.holdout is None:
        return "best so far"
    return "winner" if report.holdout.verdict == "better" else "best candidate"


def _print_splits(console: Console, best: Best) -> None:
    shares = f"on the search split it costs {best.ratio_search:.3f} of the baseline"
    if best.ratio_select is not None:
        shares += f", on the select split {best.ratio_select:.3f}"
    console.print(shares, style="dim")


def _print_cost(console: Console, report: Report) -> None:
    paid = f", {report.cost.tokens} tokens, {report.cost.usd:.4f} USD" if report.cost.tokens else ""
    repaired = f", {report.repairs} answers given anew, for there was nothing to evaluate" * bool(report.repairs)
    console.print(f"search cost {report.cost.cpu_s:.0f} CPU seconds{paid}{repaired}", style="dim")


def _print_staleness(console: Console, report: Report) -> None:
    if (staleness := report.staleness) and staleness.most:
        line = f"each candidate was proposed while at most {staleness.most} before it were under way"
        console.print(f"{line} (window {staleness.bound})", style="dim", highlight=False, soft_wrap=True)


def _print_next(console: Console, report: Report, config: RunConfig) -> None:
    """Say how to look closer, and how to use the best candidate where that is of use."""
    candidate = report.best.candidate
    uses = () if _keep(report, config) else terms_of(config.domain).next
    families = not any(Path(spec).exists() or spec.startswith("suite:") for spec in config.instances)
    instances = ",".join(config.instances) if families else "OTHER_FILES"
    console.print("\nnext:")
    for line in (
        f"slotforge show {candidate}",
        f"slotforge diff baseline {candidate}",
        f"slotforge confirm {candidate} --instances {instances} --seed {config.seed + 1000}",
        *(command.format(candidate=candidate) for command in uses),
    ):
        console.print(f"  {line}", style="cyan", markup=False, soft_wrap=True)
