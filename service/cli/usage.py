"""Tell what runs and searches for prompts have cost, by month, owner and model, the newest month first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.lineage.ledger import UsageLine

COLUMNS = ("month", "owner", "model", "runs", "prompts", "calls", "tokens in", "tokens out", "USD", "CPU s")
FIGURES = ("runs", "prompt_searches", "calls", "input_tokens", "output_tokens")


@click.command(name="usage")
@click.option("--owner", metavar="KEY", help="Name of a key, or `local` for the command line. [default: all]")
@place_option
@json_option
def command(owner: str | None, place: Place, as_json: bool) -> None:
    """Tell what runs have cost, by the month in which they began, by owner and by model.

    Searches for prompts count in the month in which they got on last; the command line owns them.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        found = source.usage(owner)
        if as_json:
            print_json(found)
        elif found:
            _print(found)
        else:
            whose = f" by '{owner}'" if owner else ""
            click.echo(f"nothing was spent{whose} in {source.name}: start a run with `slotforge discover`", err=True)


def _print(found: Sequence[UsageLine]) -> None:
    from rich.markup import escape

    from slotforge.service.cli._console import print_table, stdout

    cells = [
        (
            one.month,
            escape(one.owner),
            escape(one.model),
            *(str(getattr(one, name)) for name in FIGURES),
            f"{one.usd:.4f}",
            f"{one.cpu_s:.0f}",
        )
        for one in found
    ]
    print_table(stdout(), COLUMNS, cells, numbers=COLUMNS[3:], texts=("owner", "model"))
