"""Show where a candidate comes from: its ancestors with operator, ratio and state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.lineage.records import Ancestor


@click.command(name="lineage")
@click.argument("candidate")
@place_option
@json_option
def command(candidate: str, place: Place, as_json: bool) -> None:
    """Show the ancestors of CANDIDATE (an id, or the beginning of one).

    The first parent stands below its child; further parents stand indented in between.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        ancestors = source.lineage(candidate)
    if as_json:
        print_json(ancestors)
        return
    from slotforge.service.cli._console import stdout

    console = stdout()
    for line in _draw({one.candidate: one for one in ancestors}, ancestors[0].candidate):
        console.print(line, soft_wrap=True)


def _draw(ancestors: Mapping[str, Ancestor], root: str) -> Iterator[str]:
    """Go down the first parents, and before each look at the others; each candidate is described once."""
    described: set[str] = set()
    below = [("", root)]
    while below:
        indent, id_ = below.pop()
        if id_ in described:
            yield f"{indent}* {id_} [dim](above)[/]"
            continue
        described.add(id_)
        yield f"{indent}* {_describe(ancestors[id_])}"
        first, *others = ancestors[id_].parents or ("",)
        below += [(indent, first)] if first else []
        below += [(f"{indent}│ ", other) for other in reversed(others)]


def _describe(one: Ancestor) -> str:
    from rich.markup import escape

    from slotforge.service.cli._console import ratio, word

    made = f"{escape(one.operator)} of {', '.join(one.slots)}" if one.slots else escape(one.operator)
    where = f"[dim]run {one.run}, trial {one.number}[/]" if one.run else ""
    parts = (f"[bold]{one.candidate}[/]", ratio(one.ratio), word(one.state), made, where)
    return "  ".join(part for part in parts if part)
