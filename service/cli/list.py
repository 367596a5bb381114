"""Name what can be chosen: slots, policies, families, strategies, proposers, executors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from slotforge.core import registry
from slotforge.service.cli._names import DOMAINS, FAMILIES
from slotforge.service.cli._options import json_option

if TYPE_CHECKING:
    from slotforge.core.types import Slot

KINDS = ("slots", "policies", "families", "strategies", "proposers", "executors")


@click.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "--domain", default="sat", show_default=True, type=click.Choice(DOMAINS), help="Whose slots, policies or families."
)
@json_option
def command(kind: str, domain: str, as_json: bool) -> None:
    """List the names of a KIND, each with one line on what it is."""
    rows = OF_DOMAIN[kind](domain) if kind in OF_DOMAIN else registry.names(f"slotforge.search.{kind}")
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


def _slots(domain: str) -> Mapping[str, str]:
    return {name: slot.summary for name, slot in _known(domain).items()}


def _policies(domain: str) -> Mapping[str, str]:
    """Name the built-in policies as `solve` and `export` take them, each with the comment that its code begins with."""
    from slotforge.prompts.context import rule

    known = _known(domain)
    return {f"{name}={one}": rule(source) for name, slot in known.items() for one, source in slot.variants.items()}


def _known(domain: str) -> Mapping[str, Slot]:
    from slotforge.search import worker

    return worker.domain(domain).slots()


def _families(domain: str) -> Mapping[str, str]:
    return registry.names(FAMILIES[domain])


OF_DOMAIN: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "slots": _slots,
    "policies": _policies,
    "families": _families,
}
