"""Tell who did what through the service, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import HOW_MANY, json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.lineage.audit import AuditRecord

COLUMNS = ("at", "actor", "action", "target", "status", "request")


@click.command(name="audit")
@click.option("--actor", metavar="KEY", help="Name of a key, or `local` where none was needed. [default: all]")
@click.option("--limit", default=20, show_default=True, type=HOW_MANY, help="How many at most.")
@place_option
@json_option
def command(actor: str | None, limit: int, place: Place, as_json: bool) -> None:
    """Tell who did what through the service, the newest first: every request that may change something.

    `request` is the id under which the log of the service tells more. A server tells it to administrators alone.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        found = source.audit(actor, limit)
        if as_json:
            print_json(found)
        elif found:
            _print(found)
        else:
            whose = f" by '{actor}'" if actor else ""
            click.echo(f"nothing was done{whose} through the service of {source.name}", err=True)


def _print(found: Sequence[AuditRecord]) -> None:
    from rich.markup import escape

    from slotforge.service.cli._console import moment, print_table, stdout

    cells = [
        (
            moment(one.at),
            *map(escape, (one.actor, one.action, one.target)),
            *(escape(str(one.facts.get(name, ""))) for name in ("status", "request")),
        )
        for one in found
    ]
    print_table(stdout(), COLUMNS, cells, numbers=("status",), texts=("action", "target"))
