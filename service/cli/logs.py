"""Show what happened to a run, the oldest first: begun, resumed, interrupted, ended, and why."""

from __future__ import annotations

import click

from slotforge.service.cli._options import HOW_MANY, json_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="logs")
@click.argument("run")
@click.option("--limit", default=100, show_default=True, type=HOW_MANY, help="How many of the newest lines.")
@click.option("--process", is_flag=True, help="What the process of its job has said instead: its end, some 64 KiB.")
@place_option
@json_option
def command(run: str, limit: int, process: bool, place: Place, as_json: bool) -> None:
    """Show what happened to RUN (an id, or the beginning of one)."""
    from rich.markup import escape

    from slotforge.service.cli._console import moment, print_table, stdout, word
    from slotforge.service.cli._json import print_json

    if process:
        with place.open() as source:
            told = source.process_log(run)
        print_json(told) if as_json else click.echo(told.text, nl=False)
        return
    with place.open() as source:
        found = source.log(run, limit)[::-1]
    if as_json:
        print_json(found)
    elif found:
        rows = [(moment(one.at), word(one.kind), escape(str(one.facts.get("why", "")))) for one in found]
        print_table(stdout(), ("at", "what", "why"), rows, texts=("why",))
    else:
        click.echo(f"nothing has happened to {run} yet", err=True)
