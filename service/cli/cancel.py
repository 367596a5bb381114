"""Ask for a search or a confirmation of the queue to stop for good."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="cancel")
@click.argument("run")
@place_option
@json_option
def command(run: str, place: Place, as_json: bool) -> None:
    """Ask for RUN, a search of the queue (its id, or the beginning of it), to stop for good.

    What it has found stays; it cannot go on. `slotforge pause RUN` stops it for now.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        job = source.wish(run, "cancel")
    if as_json:
        print_json(job)
    else:
        click.echo(f"{job.id} is {job.state}" + (f", and is asked to {job.wish}" if job.wish else ""))
