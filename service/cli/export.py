"""Write a candidate as something that can be used without slotforge's store, with where it comes from."""

from __future__ import annotations

from pathlib import Path

import click

from slotforge.service.cli._options import unsafe_option
from slotforge.service.cli._place import Place, place_option


@click.command(name="export")
@click.argument("ref")
@click.option(
    "--as",
    "kind",
    required=True,
    metavar="KIND",
    help="One of those below.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write; for solver a folder.")
@click.option(
    "--numbers",
    type=click.Choice(("tuned", "declared")),
    help="Defaults of a step rule's numbers: medians of the best that were found where it was measured, or those that "
    "it declares. [default: tuned]",
)
@place_option
@unsafe_option
def command(ref: str, kind: str, out: Path, numbers: str | None, place: Place) -> None:
    """Write REF, a candidate (an id, a file, or SLOT=VARIANT,...) or a run, as KIND.

    \b
    cpp     a C++ header with the policies
    solver  a folder with a DIMACS solver that has them compiled in, and its test
    python  a module: of sat a Solver that has PySAT's interface, of packing and tsp the policy with what applies it
    torch   a module with a torch.optim.Optimizer
    optax   a module with an optax transformation
    scipy   a module with a method for scipy.optimize.minimize
    rule    the step rules alone, in one file that every command takes for the candidate
    replay  the answers of a run's model, for discover --model replay:FILE
    """
    from slotforge.core.errors import UsageError
    from slotforge.service.cli._export import REPLAY, replayed
    from slotforge.solvers.provenance import exported, keep_others

    if numbers and kind == REPLAY:
        raise UsageError("--numbers is of step rules, and a replay file holds answers: leave it out")
    keep_others(out, replayed if kind == REPLAY else exported)  # here or from a server, it is the same
    before = out.exists()
    with place.open(new=True) as source:
        written = source.replay(ref, out) if kind == REPLAY else source.export(ref, kind, out, numbers)
    if before:
        click.echo("in the place of what was there", err=True)
    click.echo(written)
