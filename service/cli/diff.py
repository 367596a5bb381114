"""Show how two candidates differ, slot by slot."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import json_option, store_option

if TYPE_CHECKING:
    from slotforge.core.types import Candidate

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(name="diff")
@click.argument("a")
@click.argument("b")
@store_option
@json_option
def command(a: str, b: str, store: str | None, as_json: bool) -> None:
    """Show the unified diff from A to B for each slot in which they differ.

    Each is the id of a candidate or the beginning of one, "baseline", or a heuristics file. A slot that a candidate
    does not replace has its default source.
    """
    from slotforge.search import worker
    from slotforge.service.cli._json import print_json
    from slotforge.service.cli._refs import resolve_pair

    old, new = resolve_pair(a, b, store)
    defaults = {name: slot.default for name, slot in worker.domain(new.domain).slots().items()}
    slots = _slots(old, new, defaults)
    if as_json:
        print_json({"a": old.id, "b": new.id, "slots": slots})
    elif slots:
        for text in slots.values():
            for line in text.splitlines():
                bold = line.startswith(("+++", "---"))
                click.secho(line, fg=None if bold else COLOURS.get(line[:1]), bold=bold or None)
    else:
        click.echo("no difference", err=True)


def _slots(old: Candidate, new: Candidate, defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the unified diff of each slot that differs."""
    found: dict[str, str] = {}
    for slot in sorted({**old.slots, **new.slots}):
        before, after = (one.slots.get(slot, defaults.get(slot, "")).strip().splitlines() for one in (old, new))
        left, right = (f"{slot} {one.id if slot in one.slots else 'default'}" for one in (old, new))
        if lines := list(difflib.unified_diff(before, after, left, right, lineterm="")):
            found[slot] = "\n".join(lines)
    return found
