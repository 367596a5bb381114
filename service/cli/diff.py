"""Show how two candidates differ, slot by slot."""

from __future__ import annotations

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(name="diff")
@click.argument("a")
@click.argument("b")
@place_option
@json_option
def command(a: str, b: str, place: Place, as_json: bool) -> None:
    """Show the unified diff from A to B for each slot in which they differ.

    Each is the id of a candidate or the beginning of one, "baseline", or a heuristics file. A slot that a candidate
    does not replace has its default source.
    """
    from slotforge.service.cli._json import print_json
    from slotforge.service.cli._refs import resolve_pair
    from slotforge.service.views.diff import diff

    found = diff(*resolve_pair(a, b, place))
    if as_json:
        print_json(found)
    elif found.slots:
        for text in found.slots.values():
            for line in text.splitlines():
                bold = line.startswith(("+++", "---"))
                click.secho(line, fg=None if bold else COLOURS.get(line[:1]), bold=bold or None)
    else:
        click.echo("no difference", err=True)
