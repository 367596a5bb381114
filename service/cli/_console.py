"""Output for people: coloured tables on a terminal, and the same tables, never wrapped, in a pipe or a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Literal

import click
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 4096  # columns: a table takes what it needs and no more
GAP = 3  # columns between two of a table
LEAST_TEXT = 5  # columns for a text that is wrapped
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}  # of terminals
TURNS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # of the direction of writing
ACTING = dict.fromkeys(CONTROLS | TURNS, "\ufffd")
LONGEST_NAME = 20  # a first column that is no wider is never wrapped
COLOURS = {
    "better": "bold green",
    "worse": "bold red",
    "no difference": "yellow",
    "scored": "green",
    "confirmed": "bold green",
    "wrong": "bold red",
    "failed": "red",
    "timeout": "red",
    "finished": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "refuted": "bold red",
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
}


class Plain(Console):
    """A console on which nothing that strangers or models wrote can move the cursor, or turn the order of a line."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, with a mark for each character that would act."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=part.text.translate(ACTING))


def stdout() -> Console:
    """Make the console that tables are printed on."""
    console = Plain(highlight=False)
    return console if console.is_terminal else Plain(highlight=False, width=PIPE_WIDTH)


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
    title: str = "",
) -> None:
    """Print rows of cells, which may hold rich's markup.

    Args:
        columns: their headings.
        numbers: headings of the columns that are set to the right.
        texts: headings of the columns that are wrapped where the terminal is too narrow.
        title: a line above, or nothing.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    body = [*rows]
    whole = sum(_width(cells) for cells in zip_longest(columns, *body, fillvalue="") if cells[0] not in texts)
    fits = whole + LEAST_TEXT * len(texts) <= console.width
    for column, *cells in zip_longest(columns, *body, fillvalue=""):
        justify: Literal["left", "right"] = "right" if column in numbers else "left"
        name = column == columns[0] and _width(cells or [column]) <= LONGEST_NAME  # ids are copied from here
        made.add_column(column, justify=justify, no_wrap=name or (fits and column not in texts), overflow="fold")
    for row in body:
        made.add_row(*row)
    if title:
        console.print(f"\n{escape(title)}", soft_wrap=True)
    console.print(made)


def _width(cells: Sequence[str]) -> int:
    return GAP + max(Text.from_markup(cell).cell_len for cell in cells)


def word(text: str) -> str:
    """Colour a state or a verdict by what it means."""
    shown = escape(text.replace("_", " "))
    return f"[{COLOURS[text]}]{shown}[/]" if text in COLOURS else shown


def ratio(value: float | None) -> str:
    """Write a ratio of costs, or nothing where there is none."""
    return "" if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """Write a 95 % interval, or nothing where there is none."""
    return "" if low is None or high is None else f"{low:.3f} - {high:.3f}"


def moment(when: datetime) -> str:
    """Write a time as the user's clock shows it, to the minute."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def code(console: Console, text: str, lexer: str) -> None:
    """Print source text, with its syntax coloured on a terminal and byte for byte elsewhere."""
    if not console.is_terminal:
        click.echo(text)
        return
    from rich.syntax import Syntax

    console.print(Syntax(text, lexer, theme="ansi_dark", background_color="default", word_wrap=True))


def columns_left(used: int, *, most: int = 72) -> int:
    """Say how many columns of the terminal are left beside some that are used, at most so many."""
    return max(8, min(most, shutil.get_terminal_size().columns - used))
