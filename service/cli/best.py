"""List the best candidates that are known in a domain, across runs: confirmed ones first, then by ratio."""

from __future__ import annotations

import click

from slotforge.service.cli._options import HOW_MANY, json_option
from slotforge.service.cli._place import Place, place_option

COLUMNS = ("candidate", "ratio", "95 % interval", "confirmed", "slots", "run")


@click.command(name="best")
@click.argument("domain")
@click.option("--slot", help="Only candidates that replace this slot.")
@click.option("--family", help="Judge by this family alone.")
@click.option("--limit", default=10, show_default=True, type=HOW_MANY, help="How many at most.")
@place_option
@json_option
def command(domain: str, slot: str | None, family: str | None, limit: int, place: Place, as_json: bool) -> None:
    """List the best candidates of DOMAIN, such as sat.

    A ratio is that of costs against the baseline: on unseen instances where there is a verdict (then with its
    interval), otherwise in the search that found it. Below 1 is better.
    """
    from slotforge.service.cli._json import print_json

    with place.open() as source:
        found = source.best(domain, slot, family, limit)
        where = source.name
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"no such candidates of {domain} in {where}: find some with `slotforge discover {domain}`", err=True)
        return
    from slotforge.service.cli._console import interval, print_table, ratio, stdout

    rows = [
        (
            f"[bold]{one.candidate}[/]",
            ratio(one.ratio),
            interval(one.low, one.high),
            "[bold green]yes[/]" if one.confirmed else "no",
            ", ".join(one.slots),
            one.run or "",
        )
        for one in found
    ]
    print_table(stdout(), COLUMNS, rows, numbers=("ratio",), texts=("slots",))
