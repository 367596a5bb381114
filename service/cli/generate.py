"""Write benchmark formulas of a family, with their answers where theory gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from slotforge.service.cli._options import SEED, json_option


@click.command(name="generate")
@click.argument("family")
@click.option("--size", metavar="KEY=VALUE:...", default="", help="Parameters of the family. [default: the family's]")
@click.option("--seed", default=0, show_default=True, type=SEED, help="The same seed gives the same files.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1), help="How many formulas.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@json_option
def command(family: str, size: str, seed: int, count: int, out: Path, as_json: bool) -> None:
    """Write COUNT formulas of FAMILY (see: slotforge list families; miter:8 means miter of size 8).

    Where the answer is known, the file name ends in .sat.cnf or .unsat.cnf.
    """
    from slotforge.solvers.sat import cnf, families

    spec = ":".join(filter(None, (family, size)))
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for index in range(count):
        formula = families.generate(spec, seed, index)
        status = formula.status or "unknown"
        path = (
            out
            / f"{re.sub(r'[^A-Za-z0-9.]+', '-', spec)}-s{seed}-{index:04}{f'.{status}' if formula.status else ''}.cnf"
        )
        comments = f"c {spec}, seed {seed}, number {index}, by slotforge generate\nc status {status}\n"
        path.write_bytes(comments.encode() + cnf.to_dimacs(formula))
        facts = {"file": str(path), "variables": formula.variables, "clauses": len(formula.clauses), "status": status}
        written.append(facts)
        if not as_json:
            click.echo("{file}: {variables} variables, {clauses} clauses, {status}".format(**facts))
    if as_json:
        click.echo(json.dumps(written, indent=2))
