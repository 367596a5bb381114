"""Go on with a run after any interruption, with the same result as if it had not been interrupted."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option, sandbox_level_option, unsafe_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="resume")
@click.argument("run")
@place_option
@unsafe_option
@sandbox_level_option
@json_option
@click.option("--take-over", is_flag=True, help="Even if another machine, which may be lost, seems to drive the run.")
def command(run: str, place: Place, as_json: bool, take_over: bool) -> None:
    """Go on with RUN (an id, or the beginning of one); of one that has finished, print the report again."""
    with place.open() as source:
        source.resume(run, take_over=take_over, as_json=as_json)
