"""Look after the store: where it is, and bringing its tables up to date."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option, store_option


@click.group(name="db")
def command() -> None:
    """Look after the store."""


@command.command(name="where")
@store_option
@json_option
def where(store: str | None, as_json: bool) -> None:
    """Print where the store is and the revision of its tables, and make it where there is none."""
    from slotforge.lineage.schema import VERSION
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._json import print_json

    with open_store(store) as opened:
        name = opened.name
    if as_json:
        print_json({"store": name, "revision": VERSION})
    else:
        click.echo(f"{name} (tables {VERSION})")


@command.command(name="upgrade")
@store_option
@json_option
def upgrade(store: str | None, as_json: bool) -> None:
    """Bring the tables of a store up to this version of slotforge.

    A SQLite store is upgraded when it is opened; one on a server, which others may share, is upgraded by this alone.
    """
    from slotforge.lineage import migrations
    from slotforge.lineage.engine import locate, name
    from slotforge.lineage.schema import VERSION
    from slotforge.service.cli._json import print_json

    migrations.upgrade(store)
    where = name(locate(store))
    if as_json:
        print_json({"store": where, "revision": VERSION})
    else:
        click.echo(f"{where} has tables {VERSION}")
