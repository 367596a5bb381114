"""Make, list and revoke the keys that let people and programs into the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import CommaSeparated, Money, json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.lineage.keys import KeyRecord

COLUMNS = ("name", "scopes", "runs", "cpus", "usd", "bytes", "created", "expires")
SCOPES = ("read", "run", "admin")
LIMIT = click.IntRange(0, 1_000_000)
BYTES = click.IntRange(0, 1 << 50)


@click.group(name="keys")
def command() -> None:
    """Look after the keys of the service; of a server, with the key of an administrator."""


@command.command(name="add")
@click.argument("name")
@click.option(
    "--scopes",
    type=CommaSeparated(),
    default=("read", "run"),
    show_default="read,run",
    help="What it allows: read, run (start and stop searches), admin (keys and the audit); each contains the former.",
)
@click.option("--runs", type=LIMIT, help="Searches at once. [default: no limit]")
@click.option("--cpus", type=LIMIT, help="CPUs at once. [default: no limit]")
@click.option("--usd", type=Money(), help="Money in a calendar month. [default: no limit]")
@click.option("--bytes", "bytes_", type=BYTES, help="Bytes of uploaded instances. [default: no limit]")
@click.option("--expires", type=float, metavar="DAYS", help="Valid for so many days, at most 36,500.")
@place_option
@json_option
def add(
    name: str,
    scopes: tuple[str, ...],
    runs: int | None,
    cpus: int | None,
    usd: float | None,
    bytes_: int | None,
    expires: float | None,
    place: Place,
    as_json: bool,
) -> None:
    """Make a key called NAME, and print it; it is not kept, and cannot be printed again."""
    from slotforge.core.errors import UsageError
    from slotforge.lineage import keys
    from slotforge.lineage.allowance import Allowance
    from slotforge.service.cli._json import print_json

    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise UsageError(f"no scope '{unknown[0]}': choose of {', '.join(SCOPES)}")
    granted = [scope for scope in keys.SCOPES if scope in scopes]
    with place.open(new=True) as source:
        made = source.add_key(name, granted, Allowance(runs=runs, cpus=cpus, usd=usd, bytes=bytes_), expires)
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
        print_table(stdout(), COLUMNS, map(_cells, found), numbers=("runs", "cpus", "usd", "bytes"))
    else:
        click.echo("no keys: everybody on this machine may do everything; see `slotforge keys add --help`", err=True)


@command.command(name="revoke")
@click.argument("name")
@place_option
@json_option
def revoke(name: str, place: Place, as_json: bool) -> None:
    """Let the key called NAME be valid no longer.

    A server leaves the last key of an administrator; on a store this revokes any.
    """
    from slotforge.service.cli._json import print_json

    with place.open(new=True) as source:
        revoked = source.revoke_key(name)
    if as_json:
        print_json(revoked)
    else:
        click.echo(f"the key '{name}' is revoked")


def _cells(key: KeyRecord) -> tuple[str, ...]:
    from slotforge.service.cli._console import moment

    limits = (key.limits.runs, key.limits.cpus, key.limits.usd, key.limits.bytes)
    ends = "revoked" if key.revoked else moment(key.expires) if key.expires else ""
    shown = ("" if limit is None else f"{limit:,}" if isinstance(limit, int) else f"{limit:g}" for limit in limits)
    return f"[bold]{key.name}[/]", ", ".join(key.scopes), *shown, moment(key.created), ends
