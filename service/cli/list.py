"""Name what can be chosen: slots, families, strategies, proposers, executors."""

from __future__ import annotations

import json
from typing import Any

import click

from slotforge.core import registry
from slotforge.service.cli._names import DOMAINS, FAMILIES
from slotforge.service.cli._options import json_option

KINDS = ("slots", "families", "strategies", "proposers", "executors")


@click.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--domain", default="sat", show_default=True, type=click.Choice(DOMAINS), help="Whose slots or families.")
@json_option
def command(kind: str, domain: str, as_json: bool) -> None:
    """List the names of a KIND, each with one line on what it is."""
    rows = _slots(domain) if kind == "slots" else registry.names(_package(kind, domain))
    if as_json:
        more = _strategy if kind == "strategies" else _nothing
        click.echo(json.dumps([{"name": n, "description": text, **more(n)} for n, text in rows.items()], indent=2))
        return
    width = max(map(len, rows), default=0)
    for name, text in rows.items():
        click.echo(f"{name:{width}}  {text}")


def _strategy(name: str) -> dict[str, Any]:
    """Say what a strategy can be told, and which prompt operators it asks for."""
    from slotforge.search import strategies

    return {"parameters": dict(strategies.parameters(name)), "operators": list(strategies.make(name).operators)}


def _nothing(name: str) -> dict[str, Any]:  # noqa: ARG001
    return {}


def _package(kind: str, domain: str) -> str:
    return FAMILIES[domain] if kind == "families" else f"slotforge.search.{kind}"


def _slots(domain: str) -> dict[str, str]:
    made = registry.load(f"slotforge.solvers.{domain}", "domain").domain()
    return {name: slot.summary for name, slot in made.slots().items()}
