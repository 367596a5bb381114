"""List the runs: state, strategy, model, best ratio and verdict, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slotforge.service.cli._options import json_option, store_option

if TYPE_CHECKING:
    from slotforge.lineage.records import RunSummary
    from slotforge.lineage.store import SqlStore

COLUMNS = ("run", "state", "domain", "strategy", "model", "trials", "best", "verdict", "started")


@click.command(name="runs")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many at most.")
@store_option
@json_option
def command(limit: int, store: str | None, as_json: bool) -> None:
    """List the runs of the store, the newest first.

    The best ratio is that of the search; the verdict comes from unseen instances.
    """
    from slotforge.lineage import queries
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._json import print_json

    with open_store(store, new=False) as opened:
        rows = [_row(opened, summary) for summary in queries.runs(opened)[:limit]]
        if as_json:
            print_json(rows)
        elif rows:
            _print(rows)
        else:
            click.echo(f"no runs in {opened.name}: start one with `slotforge discover`", err=True)


def _row(store: SqlStore, summary: RunSummary) -> dict[str, Any]:
    """Take trials, ratio and verdict from the report, where there is one; it counts neither baseline nor controls."""
    report = store.run(summary.id).report or {}
    best, holdout = report.get("best") or {}, report.get("holdout") or {}
    return {
        **summary.model_dump(mode="json"),
        "trials": report.get("trials", summary.trials),
        "ratio": best.get("ratio_search") if report else summary.ratio,
        "verdict": holdout.get("verdict"),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from datetime import datetime

    from slotforge.service.cli._console import moment, print_table, ratio, stdout, word

    cells = [
        (
            f"[bold]{row['id']}[/]",
            word(row["state"]),
            *(str(row[name]) for name in ("domain", "strategy", "model", "trials")),
            ratio(row["ratio"]),
            word(row["verdict"] or ""),
            moment(datetime.fromisoformat(row["started"])),
        )
        for row in rows
    ]
    print_table(stdout(), COLUMNS, cells, numbers=("trials", "best"), texts=("domain", "strategy", "model"))
