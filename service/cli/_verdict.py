"""The table of a verdict: per family, over all, and the controls beside it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from slotforge.core.comparison import FamilyVerdict, Verdict
from slotforge.core.types import CAP, Terms
from slotforge.search.report import Control
from slotforge.service.cli._console import interval, print_table, ratio, word

CONTROLS = {
    "best_builtin": "control: built-in {name}",
    "start": "control: where the search began ({name})",
    "tuned_baseline": "control: tuned baseline ({name})",
}
COLUMNS = ("", "ratio", "95 % interval", "p", "instances", "CPU ratio", "verdict")


def print_verdict(
    console: Console, verdict: Verdict, terms: Terms, *, title: str, controls: Mapping[str, Control] | None = None
) -> None:
    """Print a verdict as a table, with its notes under it."""
    rows = [(escape(family), *cells(one)) for family, one in verdict.families.items()]
    rows.append(("[bold]all[/]", *cells(verdict)))
    for kind, control in (controls or {}).items():
        known = (ratio(control.ratio), interval(control.low, control.high))
        rows.append((CONTROLS[kind].format(name=escape(control.name)), *known, "", "", "", ""))
    print_table(console, COLUMNS, rows, numbers=COLUMNS[1:-1], texts=COLUMNS[:1], title=title)
    console.print(terms.checked.format(models=verdict.models, proofs=verdict.proofs), style="dim")
    if verdict.low >= CAP:
        console.print(f"{CAP:g} times as much or more counts as {CAP:g}: nothing was reached for less", style="yellow")
    for note in verdict.notes:
        console.print(note, style="yellow", markup=False)


def cells(one: FamilyVerdict) -> tuple[str, ...]:
    """Write the figures of one row, in the order of the columns after the first."""
    p = f"{one.p:.3f}" if one.p >= 0.001 else f"{one.p:.0e}"
    figures = (ratio(one.ratio), interval(one.low, one.high), p, str(one.instances), ratio(one.cpu_ratio))
    return (*figures, word(one.verdict))
