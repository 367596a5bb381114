"""Say what a machine can do: compiler, engine, proof checker, sandbox, store, Ray, chat model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slotforge.core.errors import UsageError
from slotforge.service.cli._options import json_option, unsafe_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.service.cli._checks import Finding

MARKS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(name="doctor")
@click.option("--config", type=click.Path(path_type=Path), help="Of `slotforge serve`: look at what it names.")
@place_option
@unsafe_option
@json_option
def command(config: Path | None, place: Place, as_json: bool) -> None:
    """Check this machine, or a server, part by part, and say what to do where something is missing.

    Nothing is made or changed. Exit code 1 when a search without a chat model cannot work, or the service not start.
    """
    from slotforge.service.cli._json import print_json

    found: list[Finding] = []
    for one in _findings(place, config):
        found.append(one)
        if not as_json:
            mark = click.style(f"{one.state:4}", fg=MARKS[one.state], bold=one.state == "fail")
            click.echo(f"{mark}  {one.name:13}  {one.text}" + (f"; {one.advice}" if one.advice else ""))
    works = all(one.state != "fail" for one in found)
    if as_json:
        print_json({"works": works, "checks": [vars(one) for one in found]})
    sys.exit(0 if works else 1)


def _findings(place: Place, config: Path | None) -> Iterator[Finding]:
    """Look here, one part after another, or let a server look at itself."""
    from slotforge.service.api.configuration import load
    from slotforge.service.cli._checks import Finding, findings

    if place.server is None:
        yield from findings(load({"store": place.store}, config))
        return
    if config is not None:
        raise UsageError("a server has a configuration of its own: leave --config out")
    from slotforge.service.client import Client

    with Client(place.server) as client:
        yield from (Finding(**dict(one)) for one in client.checks())
