"""Keep sets of CNF files under a name, suite:NAME wherever instances are named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option, store_option

if TYPE_CHECKING:
    from slotforge.service.instances.suites import SuiteRecord, SuiteSummary

MANY = 1_000_000


@click.group(name="suites")
def command() -> None:
    """Keep sets of CNF files in the database, under a name.

    `slotforge discover sat --instances suite:NAME` searches on one, on any machine that uses the database.
    """


@command.command()
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@json_option
def add(name: str, paths: tuple[Path, ...], store: str | None, as_json: bool) -> None:
    """Make the suite NAME of CNF files and folders of them, in the place of any of this name."""
    from slotforge.lineage.store import open_store
    from slotforge.service.instances.suites import add_files
    from slotforge.service.instances.vault import Vault

    with open_store(store) as opened:
        suite, left_out = add_files(Vault(opened), name, paths, owner="local")
    for line in left_out:
        click.echo(line, err=True)
    _print((suite,), as_json=as_json)


@command.command(name="list")
@store_option
@json_option
def list_(store: str | None, as_json: bool) -> None:
    """List the suites."""
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._json import print_json
    from slotforge.service.instances.suites import suites

    with open_store(store) as opened:
        found = suites(opened, limit=MANY)
        if as_json:
            print_json([suite.model_dump(mode="json") for suite in found])
        elif found:
            _print(found, as_json=False)
        else:
            click.echo(f"no suites in {opened.name}: make one with `slotforge suites add NAME FOLDER`")


@command.command()
@click.argument("name")
@store_option
@json_option
def show(name: str, store: str | None, as_json: bool) -> None:
    """List the instances of the suite NAME."""
    from rich.markup import escape

    from slotforge.lineage.store import open_store
    from slotforge.service.cli._console import print_table, stdout
    from slotforge.service.cli._json import print_json
    from slotforge.service.instances.suites import suite

    with open_store(store) as opened:
        found = suite(opened, name)
    if as_json:
        print_json(found)
        return
    rows = [(escape(item.name), item.id[:16], f"{item.size:,}") for item in found.items]
    print_table(stdout(), ("name", "id", "bytes"), rows, numbers=("bytes",), texts=("name",), title=f"suite {name}")


@command.command()
@click.argument("name")
@store_option
@json_option
def remove(name: str, store: str | None, as_json: bool) -> None:
    """Remove the suite NAME; its instances stay."""
    from slotforge.lineage import suites
    from slotforge.lineage.store import open_store

    with open_store(store) as opened:
        _print((suites.remove(opened, name),), as_json=as_json)


def _print(found: tuple[SuiteSummary | SuiteRecord, ...], *, as_json: bool) -> None:
    from rich.markup import escape

    from slotforge.service.cli._console import moment, print_table, stdout
    from slotforge.service.cli._json import print_json

    if as_json:
        print_json(found[0])
        return
    rows = [(f"suite:{s.name}", str(s.instances), f"{s.size:,}", moment(s.at), escape(s.owner)) for s in found]
    columns = ("suite", "instances", "bytes", "at", "owner")
    print_table(stdout(), columns, rows, numbers=("instances", "bytes"), texts=("suite",))
