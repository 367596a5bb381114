"""The report of a search, for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from slotforge.core.types import FamilyVerdict, RunConfig
from slotforge.search.report import Report

COLOURS = {"better": "bold green", "worse": "bold red", "no difference": "yellow"}


def print_report(report: Report, config: RunConfig) -> None:
    """Print verdict, controls, cost, and the commands to try next."""
    console = Console()
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(report.states.items()))
    console.print(f"\n[bold]run {report.run}[/]: {report.trials} candidates tried ({states})")
    if report.best is None:
        console.print("no candidate beat the baseline on unseen instances: the solver as it ships is the best one known here")
    else:
        console.print(f"winner [bold]{report.best.candidate}[/] replaces {', '.join(report.best.slots)}")
    if report.best and report.holdout:
        _print_verdict(console, report)
    _print_cost(console, report)
    if report.best:
        _print_next(console, report.best.candidate, config)


def _print_verdict(console: Console, report: Report) -> None:
    assert report.holdout is not None and report.best is not None
    table = Table(title="cost on holdout instances, as a share of the baseline's (below 1 is faster)", title_justify="left")
    for name in ("", "ratio", "95 % interval", "p", "instances", "CPU ratio", "verdict"):
        table.add_column(name, justify="left" if name in ("", "verdict") else "right")
    for family, one in report.holdout.families.items():
        table.add_row(family, *_cells(one))
    table.add_row("[bold]all[/]", *_cells(report.holdout), end_section=True)
    for control in report.controls.values():
        interval = f"{control.low:.3f} - {control.high:.3f}"
        table.add_row(f"control: built-in {control.name}", f"{control.ratio:.3f}", interval, "", "", "", "")
    console.print(table)
    shares = f"on the search split it was {report.best.ratio_search:.3f}"
    if report.best.ratio_select is not None:
        shares += f", on the select split {report.best.ratio_select:.3f}"
    console.print(f"{shares}; {report.holdout.models} models checked, {report.holdout.proofs} proofs checked", style="dim")
    for note in report.holdout.notes:
        console.print(note, style="yellow")


def _cells(one: FamilyVerdict) -> tuple[str, ...]:
    p = f"{one.p:.3f}" if one.p >= 0.001 else f"{one.p:.0e}"
    word = f"[{COLOURS[one.verdict]}]{one.verdict}[/]"
    return f"{one.ratio:.3f}", f"{one.low:.3f} - {one.high:.3f}", p, str(one.instances), f"{one.cpu_ratio:.3f}", word


def _print_cost(console: Console, report: Report) -> None:
    paid = f", {report.cost.tokens} tokens, {report.cost.usd:.4f} USD" if report.cost.tokens else ""
    console.print(f"search cost {report.cost.cpu_s:.0f} CPU seconds{paid}", style="dim")


def _print_next(console: Console, candidate: str, config: RunConfig) -> None:
    instances = ",".join(config.instances)
    console.print("\nnext:")
    for line in (
        f"slotforge show {candidate}",
        f"slotforge diff {candidate} baseline",
        f"slotforge confirm {candidate} --instances {instances} --seed {config.seed + 1000}",
        f"slotforge export {candidate} --as solver --out ./my-solver",
        f"slotforge solve FILE.cnf --heuristics {candidate}",
    ):
        console.print(f"  {line}", style="cyan", highlight=False, soft_wrap=True)
