"""Say what this machine can do: compiler, engine, proof checker, sandbox, store, Ray, chat model."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from slotforge.service.cli._options import json_option, store_option, unsafe_option

MARKS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(name="doctor")
@click.option("--config", type=click.Path(path_type=Path), help="Of `slotforge serve`: look at its cluster as well.")
@store_option
@unsafe_option
@json_option
def command(config: Path | None, store: str | None, as_json: bool) -> None:
    """Check this machine, part by part, and say what to do where something is missing.

    Exit code 1 when a search without a chat model cannot work.
    """
    from slotforge.service.api.configuration import load
    from slotforge.service.cli._checks import Finding, findings
    from slotforge.service.cli._json import print_json

    found: list[Finding] = []
    for one in findings(store, load({}, config).executor):
        found.append(one)
        if not as_json:
            mark = click.style(f"{one.state:4}", fg=MARKS[one.state], bold=one.state == "fail")
            click.echo(f"{mark}  {one.name:13}  {one.text}" + (f"; {one.advice}" if one.advice else ""))
    works = all(one.state != "fail" for one in found)
    if as_json:
        print_json({"works": works, "checks": [vars(one) for one in found]})
    sys.exit(0 if works else 1)
