"""The table of a winner that was taken apart."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from slotforge.search.report import Ablation, Effect
from slotforge.service.cli._console import interval, print_table, ratio

COLUMNS = ("slot", "without it", "95 % interval", "alone", "95 % interval ")
TITLE = (
    "the {whole} taken apart, on the select split: cost without a slot, over that of all, and of the slot alone, over "
    "the baseline's"
)


def print_ablation(console: Console, ablation: Ablation | None, whole: str) -> None:
    """Print what each slot of what was taken apart does, and what that means; nothing where nothing was."""
    if ablation is None:
        return
    rows = [(escape(part.slot), *_cells(part.without), *_cells(part.alone)) for part in ablation.parts]
    print_table(console, COLUMNS, rows, numbers=COLUMNS[1:], texts=COLUMNS[:1], title=TITLE.format(whole=whole))
    for line in ablation.words:
        console.print(line, highlight=False, soft_wrap=True)


def _cells(effect: Effect | None) -> tuple[str, str]:
    """Write a figure, or that there is none."""
    return ("failed", "") if effect is None else (ratio(effect.ratio), interval(effect.low, effect.high))
