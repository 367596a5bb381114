"""How a function that measures becomes a subcommand of `slotforge bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from slotforge.bench._result import Result

MEASURED = "bench/measured"  # not where the published results are, which a part of a benchmark must not replace


def benchmark(measure: Callable[..., Result]) -> click.Command:
    """Make the command of a benchmark: it measures, keeps the result, prints it, and exits with 1 when it has errors.

    Args:
        measure: takes the command's options; its docstring is the command's help.
    """

    @click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=MEASURED,
        show_default=True,
        help="Folder for NAME.json, NAME.md and drawings; bench/results holds the published ones.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @wraps(measure)
    def command(out: Path, as_json: bool, **options: Any) -> None:
        result = measure(**options)
        written = result.write(out)
        click.echo(result.model_dump_json(indent=1) if as_json else result.markdown())
        for path in written:
            click.echo(f"wrote {path}", err=True)
        if result.errors:
            sys.exit(1)

    return click.command(name=measure.__module__.rpartition(".")[2])(command)


def say(text: str) -> None:
    """Report progress: one line on stderr."""
    click.echo(text, err=True)
