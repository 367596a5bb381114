"""Write a candidate as something that can be used without slotforge's store, with where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slotforge.service.cli._options import store_option, unsafe_option

if TYPE_CHECKING:
    from slotforge.core.types import Candidate
    from slotforge.lineage.store import SqlStore

REPLAY = "replay"
BASELINE = "baseline"
CPP = (".hpp", ".h", ".cpp")


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
@store_option
@unsafe_option
def command(ref: str, kind: str, out: Path, numbers: str | None, store: str | None) -> None:
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
    from slotforge.lineage.store import open_store

    with open_store(store) as opened:
        written = _replay(opened, ref, out) if kind == REPLAY else _artefact(opened, ref, kind, out, numbers)
    click.echo(written)


def _replay(store: SqlStore, ref: str, out: Path) -> Path:
    from slotforge.lineage import queries

    exchanges = [json.dumps(line, ensure_ascii=False) + "\n" for line in queries.completions(store, ref)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(exchanges), encoding="utf-8")
    return out


def _artefact(store: SqlStore, ref: str, kind: str, out: Path, numbers: str | None) -> Path:
    from slotforge.core import registry
    from slotforge.core.errors import UsageError
    from slotforge.service.views.provenance import RULES, provenance

    candidate = _meant(store, ref, kind)
    if numbers and candidate.domain != RULES:
        raise UsageError(f"--numbers is of step rules, and {ref} is of {candidate.domain}: leave it out")
    domain = registry.load(f"slotforge.solvers.{candidate.domain}", "domain").domain()
    written: Path = domain.export(candidate, kind, out, provenance(store, candidate, tuned=numbers != "declared"))
    store.record_artefact(candidate, kind, written.absolute())
    return written


def _meant(store: SqlStore, ref: str, kind: str) -> Candidate:
    """Find the candidate; what a kind is of settles the domain of a reference that does not say it."""
    from slotforge.core.types import Candidate
    from slotforge.service.cli._candidates import resolve
    from slotforge.service.views.provenance import RULES
    from slotforge.solvers.optim import export, sources

    if kind in export.kinds() and ref == BASELINE:
        return Candidate(domain=RULES)
    if kind in export.kinds() and Path(ref).is_file() and not ref.endswith(CPP):
        return Candidate(domain=RULES, slots=sources.read(Path(ref)))
    return resolve(ref, store)
