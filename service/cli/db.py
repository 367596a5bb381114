"""Look after the store: copy it, move it, shrink it, check it, and bring its tables up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slotforge.service.cli._options import json_option, store_option

if TYPE_CHECKING:
    from slotforge.core.types import Record

FILE = click.Path(dir_okay=False, path_type=Path)
DAYS = click.IntRange(0, 36_500)
MOST_PROBLEMS = 20  # shown to people


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

    with open_store(store) as opened:
        name = opened.name
    _tell({"store": name, "revision": VERSION}, f"{name} (tables {VERSION})", as_json)


@command.command(name="upgrade")
@store_option
@json_option
def upgrade(store: str | None, as_json: bool) -> None:
    """Bring the tables of a store up to this version of slotforge.

    A SQLite store is upgraded when it is opened; one on a server, which others may share, is upgraded by this alone.
    There is no way back but a backup: what only newer tables can hold would be lost.
    """
    from slotforge.lineage import migrations
    from slotforge.lineage.engine import locate, name
    from slotforge.lineage.schema import VERSION

    migrations.upgrade(store)
    where = name(locate(store))
    _tell({"store": where, "revision": VERSION}, f"{where} has tables {VERSION}", as_json)


@command.command(name="backup")
@click.argument("file", type=FILE)
@store_option
@json_option
def backup(file: Path, store: str | None, as_json: bool) -> None:
    """Copy the store into FILE, which must not be there yet, while searches go on.

    The copy of a SQLite store is one itself: --store FILE opens it. That of PostgreSQL is a file of compressed rows,
    and needs none of its programs. Both can be restored into either database.
    """
    from slotforge.lineage.backup import backup
    from slotforge.lineage.store import open_store

    with open_store(store, new=False) as opened:
        made = backup(opened, file)
    rows = sum(made.rows.values())
    _tell(made, f"{made.file} holds {rows} rows of {made.store} ({_size(made.size)})", as_json)


@command.command(name="restore")
@click.argument("file", type=FILE)
@store_option
@json_option
def restore(file: Path, store: str | None, as_json: bool) -> None:
    """Fill an empty store from FILE, a backup, whole or not at all.

    So a store moves from SQLite to PostgreSQL: db backup FILE, then db restore FILE --store URL.
    """
    from slotforge.lineage.restore import restore

    made = restore(file, store)
    _tell(made, f"{made.store} holds the {sum(made.rows.values())} rows of {made.file}", as_json)


@command.command(name="check")
@store_option
@json_option
def check(store: str | None, as_json: bool) -> None:
    """Read the whole store and hold it against itself; exit code 1 where it does not hold together."""
    from slotforge.core.errors import StoreError
    from slotforge.lineage.check import check
    from slotforge.lineage.store import open_store

    with open_store(store, new=False) as opened:
        found = check(opened)
    unknown = f"; {found.unknown_parents} parents came from elsewhere" if found.unknown_parents else ""
    sound = "damaged" if found.problems else "sound"
    _tell(found, f"{found.store} is {sound}: {sum(found.rows.values())} rows{unknown}", as_json)
    for problem in found.problems[: 0 if as_json else MOST_PROBLEMS]:
        click.echo(f"  {problem}")
    if found.problems:
        raise StoreError(
            f"{len(found.problems)} problems in {found.store}: put back a backup with `slotforge db restore`"
        )


@command.command(name="vacuum")
@click.option("--full", is_flag=True, help="Of PostgreSQL: give it back to the disk, and lock others out meanwhile.")
@click.option("--anyway", is_flag=True, help="Lock others out also while jobs and runs are at work, which may fail.")
@store_option
@json_option
def vacuum(full: bool, anyway: bool, store: str | None, as_json: bool) -> None:
    """Give room back that the store no longer needs, as after db prune.

    A SQLite store is written anew: nobody else may write to it, and it needs as much room again meanwhile. So it is
    refused while jobs or runs are at work. PostgreSQL keeps the room for new rows, while others go on.
    """
    from slotforge.lineage.store import open_store
    from slotforge.lineage.vacuum import vacuum

    with open_store(store, new=False) as opened:
        made = vacuum(opened, full=full, anyway=anyway)
    _tell(made, f"{made.store}: {_size(made.before)} before, {_size(made.after)} now", as_json)


@command.command(name="prune")
@click.option("--before", type=click.DateTime(("%Y-%m-%d",)), help="Only runs that ended before this day (UTC).")
@click.option("--keep-runs", type=click.IntRange(0), help="Leave so many newest runs whole.")
@click.option("--keep-exchanges", is_flag=True, help="Leave prompts, answers and what compilers said.")
@click.option(
    "--measurements",
    type=click.Choice(("lost", "all", "none")),
    default="lost",
    show_default=True,
    help="Drop those of trials that failed or were raced out; of all but winners and what they descend from; of none.",
)
@click.option("--audit-days", type=DAYS, help="Also drop what the audit tells of more than so many days ago.")
@click.option(
    "--unused-days",
    type=DAYS,
    help="Also drop exports, uploads in no suite, and, on this machine, logs of jobs that have ended, if older.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing, and say what would be dropped.")
@store_option
@json_option
def prune(
    before: datetime | None,
    keep_runs: int | None,
    keep_exchanges: bool,
    measurements: Any,
    audit_days: int | None,
    unused_days: int | None,
    dry_run: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Drop what is large and no longer needed of old runs that have finished: exchanges and lost measurements.

    And of a service, if they are told to go, old deeds of the audit, logs, exports, and uploads in no suite.
    Every trial, its parents and its code stay, and so do verdicts with what they rest on, and all of the winners and
    what they descend from. A run of which exchanges were dropped cannot be replayed. db vacuum then frees the room.
    """
    from slotforge.core.errors import UsageError
    from slotforge.lineage.prune import prune
    from slotforge.lineage.store import open_store
    from slotforge.service import leftovers

    if before is None and keep_runs is None:
        raise UsageError("say which runs are old: --before DATE, --keep-runs N, or both")
    with open_store(store, new=False) as opened:
        made = prune(
            opened,
            before=None if before is None else before.replace(tzinfo=UTC).timestamp(),
            keep=keep_runs,
            exchanges=not keep_exchanges,
            measurements=measurements,
            dry=dry_run,
        )
        left = leftovers.drop(opened, audit_days=audit_days, unused_days=unused_days, dry=dry_run)
    text = (
        f"{'would drop' if dry_run else 'dropped'} {made.exchanges} exchanges, {made.measurements} measurements and "
        f"{made.logs} compile logs of {len(made.runs)} runs, and {made.prompts} prompts ({_size(made.size)} of texts)"
    )
    text += f"; {len(made.left)} runs have not finished and stay whole" if made.left else ""
    if (audit_days, unused_days) != (None, None):
        text += (
            f"; {left.deeds} deeds of the audit, {left.logs} logs, {left.artefacts} exports and {left.uploads} uploads "
            f"({_size(left.size)})"
        )
    _tell({**made.model_dump(mode="json"), "service": left}, text, as_json)


def _tell(made: Record | dict[str, Any], text: str, as_json: bool) -> None:
    from slotforge.service.cli._json import print_json

    if as_json:
        print_json(made)
    else:
        click.echo(text)


def _size(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g} {unit}"
        count /= 1024
    return f"{count:.4g} GiB"
