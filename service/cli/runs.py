"""List the runs: state, strategy, model, best ratio and verdict, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import HOW_MANY, json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.service.views.runs import RunLine

COLUMNS = ("run", "state", "domain", "strategy", "model", "trials", "best", "verdict", "started")


@click.command(name="runs")
@click.option("--limit", default=20, show_default=True, type=HOW_MANY, help="How many at most.")
@place_option
@json_option
def command(limit: int, place: Place, as_json: bool) -> None:
    """List the runs, the newest first.

    The best ratio is that of the proposals on the search split, the baseline's 1 among them; the verdict comes from
    unseen instances.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        found = source.runs(limit)
        if as_json:
            print_json(found)
        elif found:
            _print(found)
        else:
            click.echo(f"no runs in {source.name}: start one with `slotforge discover`", err=True)


def _print(found: Sequence[RunLine]) -> None:
    from rich.markup import escape

    from slotforge.service.cli._console import moment, print_table, ratio, stdout, word

    cells = [
        (
            f"[bold]{one.id}[/]",
            word(one.state),
            *(escape(str(getattr(one, name))) for name in ("domain", "strategy", "model", "trials")),
            ratio(one.ratio),
            word(one.verdict or ""),
            moment(one.started),
        )
        for one in found
    ]
    print_table(stdout(), COLUMNS, cells, numbers=("trials", "best"), texts=("domain", "strategy", "model"))
