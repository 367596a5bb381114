"""Solve a formula in DIMACS format, as a SAT competition solver, with any heuristics."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from slotforge.service.cli._options import SEED, Duration, unsafe_option
from slotforge.service.cli._place import Place, place_option

if TYPE_CHECKING:
    from slotforge.solvers.sat.compete import Answer, Attempt

ANSWERS = {"sat": (10, "SATISFIABLE"), "unsat": (20, "UNSATISFIABLE"), "unknown": (0, "UNKNOWN")}
WIDTH = 78


def _to_a_file(context: click.Context, parameter: click.Parameter, proof: Any) -> Any:  # noqa: ARG001
    """Refuse standard output, which holds the answer."""
    if proof is not None and proof.name in ("<stdout>", "-", 1):
        raise click.BadParameter("the answer goes to standard output: name a file for the proof")
    return proof


@click.command(name="solve")
@click.argument("file", default="-")
@click.option(
    "--heuristics",
    default="baseline",
    show_default=True,
    help="A candidate's id, a heuristics file, or SLOT=VARIANT,...",
)
@click.option("--proof", type=click.File("wb"), callback=_to_a_file, help="Write a DRAT proof to this file.")
@click.option("--binary-proof", is_flag=True, help="Write the proof in binary.")
@click.option("--time-limit", type=Duration(), help="Give up after so much CPU time, such as 90 or 5m.")
@click.option("--tick-limit", type=click.IntRange(0, 2**62), help="Give up after so many ticks (cache lines touched).")
@click.option("--conflict-limit", type=click.IntRange(0, 2**62), help="Give up after so many conflicts.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Other order and phases at the start; 0: none.")
@click.option("--stats", is_flag=True, help="Print statistics as comments.")
@place_option
@unsafe_option
def command(file: str, heuristics: str, place: Place, proof: Any, stats: bool, **options: Any) -> None:
    """Solve FILE, plain or compressed by gzip, xz or bzip2; `-` or nothing is standard input.

    Prints `s SATISFIABLE` and a model in `v` lines, `s UNSATISFIABLE` or `s UNKNOWN`; the exit code is 10, 20 or 0.
    The heuristics run in the sandbox, and a model is checked against the formula before it is printed.
    """
    from slotforge.core.errors import UsageError
    from slotforge.service.cli._candidates import resolve
    from slotforge.solvers.sat import cnf
    from slotforge.solvers.sat.compete import Attempt

    if proof is not None and os.path.exists(proof.name) and os.path.exists(file) and os.path.samefile(file, proof.name):
        raise UsageError(f"{file} is the formula: name another file for the proof")
    candidate = resolve(heuristics, place)
    if candidate.domain != "sat":
        raise UsageError(f"candidate {candidate.id} is of domain {candidate.domain}, a SAT solver cannot use it")
    attempt = Attempt(candidate.slots)
    with _ending(attempt):
        name = "<stdin>" if file == "-" else file
        data = cnf.load(file)
        time_limit = options.pop("time_limit")
        answer = attempt.run(data, name, options=_words(options), time_limit=time_limit, proof=proof)
    for line in _departures(data, name):
        click.echo(f"warning: {line}", err=True)
    sys.stdout.write(text(answer, stats=stats))
    sys.stdout.flush()
    sys.exit(ANSWERS[answer.word][0])


def _departures(data: bytes, name: str) -> tuple[str, ...]:
    """Tell where a formula that was solved departs from the format, as by a header with other counts than it holds."""
    from slotforge.solvers.sat.scan import Scanner

    scanner = Scanner(name)
    scanner.feed(data)
    return scanner.close().warnings


def text(answer: Answer, *, stats: bool) -> str:
    """The lines to print."""
    lines = [f"c {key} {value}" for key, value in answer.statistics.items()] if stats else []
    if answer.limit:
        lines.append(f"c stopped by: {answer.limit}")
    lines.append(f"s {ANSWERS[answer.word][1]}")
    if answer.word == "sat":
        lines += value_lines([*answer.model, 0])
    return "\n".join(lines) + "\n"


def value_lines(numbers: list[int]) -> Iterator[str]:
    """Lines of at most WIDTH characters that begin with v."""
    line = "v"
    for number in numbers:
        if len(line) + 1 + len(str(number)) > WIDTH:
            yield line
            line = "v"
        line += f" {number}"
    yield line


def _words(options: dict[str, Any]) -> list[str]:
    """Write options as the engine has them."""
    words = []
    for name, value in options.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return words


@contextmanager
def _ending(attempt: Attempt) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the attempt with what it has; a second one ends the program."""

    def end(number: int, frame: Any) -> None:  # noqa: ARG001
        signal.signal(number, signal.default_int_handler)
        attempt.interrupt()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
