"""Make, list and revoke the keys that let people and programs into the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import CommaSeparated, Money, json_option, store_option
from slotforge.service.cli._place import Place, check_place, place_option

if TYPE_CHECKING:
    from slotforge.lineage.keys import KeyRecord

COLUMNS = ("name", "scopes", "runs", "cpus", "usd", "created", "expires")
SCOPES = ("read", "run", "admin")


@click.group(name="keys")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Look after the keys of the service."""
    name = str(ctx.invoked_subcommand)
    if wanted := command.get_command(ctx, name):
        check_place(f"keys {name}", wanted, ctx.find_root().params.get("server"))


@command.command(name="add")
@click.argument("name")
@click.option(
    "--scopes",
    type=CommaSeparated(),
    default=("read", "run"),
    show_default="read,run",
    help="What it allows: read, run (start and stop searches), admin (keys and the audit); each contains the former.",
)
@click.option("--runs", type=click.IntRange(0), help="Searches at once. [default: no limit]")
@click.option("--cpus", type=click.IntRange(0), help="CPUs at once. [default: no limit]")
@click.option("--usd", type=Money(), help="Money in a calendar month. [default: no limit]")
@click.option("--expires", type=click.FloatRange(0, min_open=True), metavar="DAYS", help="Valid for so many days.")
@store_option
@json_option
def add(
    name: str,
    scopes: tuple[str, ...],
    runs: int | None,
    cpus: int | None,
    usd: float | None,
    expires: float | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Make a key called NAME, and print it; it is not kept, and cannot be printed again."""
    from slotforge.core.errors import UsageError
    from slotforge.lineage import keys
    from slotforge.lineage.allowance import Allowance
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._json import print_json

    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise UsageError(f"no scope '{unknown[0]}': choose of {', '.join(SCOPES)}")
    granted = [scope for scope in keys.SCOPES if scope in scopes]
    with open_store(store) as opened:
        limits = Allowance(runs=runs, cpus=cpus, usd=usd)
        made = keys.add_key(opened, name, granted, limits=limits, days=expires)
    if as_json:
        print_json(made)
    else:
        click.echo(made.secret)
        click.echo(f"this is the key '{name}': keep it, only its SHA-256 is stored", err=True)


@command.command(name="list")
@place_option
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from slotforge.service.cli._console import print_table, stdout
    from slotforge.service.cli._json import print_json

    with place.open(new=True) as source:
        found = source.keys()
    if as_json:
        print_json(list(found))
    elif found:
        print_table(stdout(), COLUMNS, map(_cells, found), numbers=("runs", "cpus", "usd"))
    else:
        click.echo("no keys: everybody on this machine may do everything; see `slotforge keys add --help`", err=True)


@command.command(name="revoke")
@click.argument("name")
@store_option
def revoke(name: str, store: str | None) -> None:
    """Let the key called NAME be valid no longer."""
    from slotforge.lineage import keys
    from slotforge.lineage.store import open_store

    with open_store(store) as opened:
        keys.revoke(opened, name)
    click.echo(f"the key '{name}' is revoked")


def _cells(key: KeyRecord) -> tuple[str, ...]:
    from slotforge.service.cli._console import moment

    limits = (key.limits.runs, key.limits.cpus, key.limits.usd)
    ends = "revoked" if key.revoked else moment(key.expires) if key.expires else ""
    shown = ("" if limit is None else f"{limit:g}" for limit in limits)
    return f"[bold]{key.name}[/]", ", ".join(key.scopes), *shown, moment(key.created), ends
