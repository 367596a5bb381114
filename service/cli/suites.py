"""Keep sets of CNF files under a name, suite:NAME wherever instances are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.service.instances.suites import SuiteRecord, SuiteSummary


@click.group(name="suites")
def command() -> None:
    """Keep sets of CNF files in the database, under a name.

    `slotforge discover sat --instances suite:NAME` searches on one, on any machine that uses the database.
    """


@command.command()
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@place_option
@json_option
def add(name: str, paths: tuple[Path, ...], place: Place, as_json: bool) -> None:
    """Make the suite NAME of CNF files and folders of them, in the place of any of this name."""
    with place.open(new=True) as source:
        suite, left_out = source.add_suite(name, paths)
    for line in left_out:
        click.echo(line, err=True)
    _print((suite,), as_json=as_json)


@command.command(name="list")
@place_option
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the suites."""
    from slotforge.service.cli._json import print_json

    with place.open(new=True) as source:
        found = source.suites()
        if as_json:
            print_json([suite.model_dump(mode="json") for suite in found])
        elif found:
            _print(found, as_json=False)
        else:
            click.echo(f"no suites in {source.name}: make one with `slotforge suites add NAME FOLDER`")


@command.command()
@click.argument("name")
@place_option
@json_option
def show(name: str, place: Place, as_json: bool) -> None:
    """List the instances of the suite NAME."""
    from rich.markup import escape

    from slotforge.service.cli._console import print_table, stdout
    from slotforge.service.cli._json import print_json

    with place.open(new=True) as source:
        found = source.suite(name)
    if as_json:
        print_json(found)
        return
    rows = [(escape(item.name), item.id[:16], f"{item.size:,}") for item in found.items]
    print_table(stdout(), ("name", "id", "bytes"), rows, numbers=("bytes",), texts=("name",), title=f"suite {name}")


@command.command()
@click.argument("name")
@place_option
@json_option
def remove(name: str, place: Place, as_json: bool) -> None:
    """Remove the suite NAME; its instances stay."""
    with place.open(new=True) as source:
        _print((source.remove_suite(name),), as_json=as_json)


def _print(found: Sequence[SuiteSummary | SuiteRecord], *, as_json: bool) -> None:
    from rich.markup import escape

    from slotforge.service.cli._console import moment, print_table, stdout
    from slotforge.service.cli._json import print_json

    if as_json:
        print_json(found[0])
        return
    rows = [(f"suite:{s.name}", str(s.instances), f"{s.size:,}", moment(s.at), escape(s.owner)) for s in found]
    columns = ("suite", "instances", "bytes", "at", "owner")
    print_table(stdout(), columns, rows, numbers=("instances", "bytes"), texts=("suite",))
