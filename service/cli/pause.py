"""Ask for a search of the queue to stop for now; `resume` goes on with it."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="pause")
@click.argument("run")
@place_option
@json_option
def command(run: str, place: Place, as_json: bool) -> None:
    """Ask for RUN, a search of the queue (its id, or the beginning of it), to stop for now.

    It stops within seconds, and gives its place to others. `slotforge resume RUN` goes on where it was.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        job = source.wish(run, "pause")
    if as_json:
        print_json(job)
    else:
        click.echo(f"{job.id} is {job.state}" + (f", and is asked to {job.wish}" if job.wish else ""))
