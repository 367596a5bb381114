"""Measure how long a policy takes to become something that runs: plug-ins, cold and warm, and fused solvers."""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Cell, Result, Table
from slotforge.solvers.sat import wrap
from slotforge.solvers.sat.build import COMMON, ENGINE, PLUGIN, PLUGIN_GNU, SHARED, WARNINGS, Builder
from slotforge.solvers.sat.slot import FOLDER as SLOTS
from slotforge.solvers.sat.slot import slots


@benchmark
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Builds of each slot.")
@click.option("--fused-rounds", default=2, show_default=True, type=click.IntRange(0), help="Builds of a whole solver.")
def command(rounds: int, fused_rounds: int) -> Result:
    """Measure CPU seconds of the compiler for the default policy of each slot.

    "Cold" and "warm" are builds in the sandbox as a search makes them, without and with a cached result; "bare" is the
    same compiler call outside of it, and "without header" is one without the precompiled header.
    """
    taken: dict[str, dict[str, list[float]]] = {slot: {} for slot in slots()}
    with tempfile.TemporaryDirectory(prefix="slotforge-bench-") as name:
        folder = Path(name)
        header_s = _precompile(folder)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            builder = Builder(folder / f"cache{number}")
            for variant in list(slots()["restart_due"].variants.values())[1:3]:
                builder.plugin("restart_due", variant)  # the second one makes the header
            for slot, known in slots().items():
                for kind, build in _kinds(builder, slot, known.default, folder).items():
                    taken[slot].setdefault(kind, []).append(_cpu(build))
        fused = [_cpu(partial(Builder(folder / f"fused{n}").fused, {})) for n in range(fused_rounds)]
    cells = {slot: {kind: median(seconds) for kind, seconds in kinds.items()} for slot, kinds in taken.items()}
    kinds = list(next(iter(cells.values())))
    whole: dict[str, Cell] = {"precompiled header, once": header_s, "fused solver": median(fused) if fused else None}
    rows: list[tuple[Cell, ...]] = [(slot, *row.values()) for slot, row in cells.items()]
    rows.append(("median", *(median(row[kind] for row in cells.values()) for kind in kinds)))
    return Result(
        benchmark="build",
        settings={"rounds": rounds, "fused_rounds": fused_rounds},
        tables=(
            Table(
                title="CPU seconds to build the default policy",
                columns=("slot", *kinds),
                rows=tuple(rows),
                note="Medians over the rounds, user and system, of this process and the compiler.",
            ),
            Table(title="CPU seconds of larger builds", columns=("what", "CPU s"), rows=tuple(whole.items())),
        ),
        figures={"plugin": taken, "fused": fused, "header": header_s},
    )


def _kinds(builder: Builder, slot: str, source: str, folder: Path) -> Mapping[str, Callable[[], object]]:
    unit = folder / f"{slot}.cpp"
    unit.write_text(wrap.plugin(slot, source), encoding="utf-8")
    command = [*_compiler(builder), str(unit), "-o", str(folder / "made.so")]
    return {
        "cold": lambda: builder.plugin(slot, source),
        "warm": lambda: builder.plugin(slot, source),
        "bare": lambda: _call([*command, "-include", str(folder / "plugin.hpp")]),
        "without header": lambda: _call(command),
    }


def _precompile(folder: Path) -> float:
    header = folder / "plugin.hpp"
    header.write_text(wrap.HEADER, encoding="utf-8")
    options = [part for part in _compiler(Builder(folder)) if part not in SHARED]
    return _cpu(lambda: _call([*options, "-x", "c++-header", str(header), "-o", f"{header}.gch"]))


def _compiler(builder: Builder) -> list[str]:
    found = builder.compiler
    flags = (*COMMON, *PLUGIN, *(PLUGIN_GNU if found.gnu else ()), *WARNINGS)
    return [found.path, *found.options, *flags, f"-I{ENGINE / 'include'}", f"-I{SLOTS.parent}"]


def _call(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _cpu(build: Callable[[], object]) -> float:
    """Take the CPU seconds of this process and of all that it waits for."""
    before = time.process_time() + _children()
    build()
    return time.process_time() + _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
