"""List the runs: state, strategy, model, best ratio and verdict, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option, store_option

if TYPE_CHECKING:
    from slotforge.service.views.runs import RunLine

COLUMNS = ("run", "state", "domain", "strategy", "model", "trials", "best", "verdict", "started")


@click.command(name="runs")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many at most.")
@store_option
@json_option
def command(limit: int, store: str | None, as_json: bool) -> None:
    """List the runs of the store, the newest first.

    The best ratio is that of the search; the verdict comes from unseen instances.
    """
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._json import print_json
    from slotforge.service.views.runs import runs

    with open_store(store, new=False) as opened:
        found = runs(opened, limit=limit).items
        if as_json:
            print_json(found)
        elif found:
            _print(found)
        else:
            click.echo(f"no runs in {opened.name}: start one with `slotforge discover`", err=True)


def _print(found: Sequence[RunLine]) -> None:
    from slotforge.service.cli._console import moment, print_table, ratio, stdout, word

    cells = [
        (
            f"[bold]{one.id}[/]",
            word(one.state),
            *(str(getattr(one, name)) for name in ("domain", "strategy", "model", "trials")),
            ratio(one.ratio),
            word(one.verdict or ""),
            moment(one.started),
        )
        for one in found
    ]
    print_table(stdout(), COLUMNS, cells, numbers=("trials", "best"), texts=("domain", "strategy", "model"))
