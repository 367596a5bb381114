"""What a benchmark ends with: tables, the numbers behind them, and the machine that they were measured on."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import Field

from slotforge import __version__
from slotforge.core.types import Record

Cell = str | int | float | None


class Table(Record):
    """Rows for people.

    note: how to read it, one sentence.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Result(Record):
    """The outcome of one benchmark.

    settings: what it was asked for.
    tables: its figures, for people.
    figures: the same and more, for programs.
    errors: what must never happen, such as a wrong answer; one line each.
    drawings: SVG by file name.
    """

    benchmark: str
    settings: Mapping[str, Any]
    tables: tuple[Table, ...]
    figures: Mapping[str, Any]
    errors: tuple[str, ...] = ()
    drawings: Mapping[str, str] = Field(default_factory=dict, exclude=True)
    date: str = Field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))
    machine: Mapping[str, str] = Field(default_factory=lambda: machine())

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write NAME.json, NAME.md and the drawings into a folder, made if need be, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            f"{self.benchmark}.json": self.model_dump_json(indent=1) + "\n",
            f"{self.benchmark}.md": self.markdown(),
            **self.drawings,
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return tuple(folder / name for name in texts)

    def markdown(self) -> str:
        """Write tables, errors, settings and machine as Markdown."""
        parts = [f"# slotforge bench {self.benchmark}"]
        if self.errors:
            parts.append(f"**{len(self.errors)} errors**\n\n" + "\n".join(f"- {error}" for error in self.errors))
        parts += [f"## {table.title}\n\n{_grid(table)}" for table in self.tables]
        parts += [f"![{name}]({name})" for name in self.drawings]
        facts = {**{k: str(v) for k, v in self.settings.items()}, **self.machine, "date": self.date}
        parts.append("## Measured with\n\n" + _rows(("", ""), list(facts.items())))
        return "\n\n".join(parts) + "\n"


def _grid(table: Table) -> str:
    grid = _rows(table.columns, table.rows)
    return f"{grid}\n\n{table.note}" if table.note else grid


def _rows(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    aligned = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, aligned, *([shown(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(cell: Cell) -> str:
    """Write one cell: numbers to three significant digits or as whole numbers, nothing as a dash."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def content(program: Path) -> str:
    """Name a program by its content, so that figures of different builds are told apart."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:16]


def machine() -> Mapping[str, str]:
    """Describe what figures depend on: processor, memory, system, compiler and versions."""
    return {
        "processor": _found(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": _found(r'PRETTY_NAME="(.+)"', "/etc/os-release") or platform.system(),
        "kernel": platform.release(),
        "compiler": _compiler(),
        "python": platform.python_version(),
        "python-sat": version_of("python-sat"),
        "slotforge": __version__,
    }


def _found(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found[1].strip() if found else ""


def _compiler() -> str:
    from slotforge.core.errors import BuildError
    from slotforge.solvers.sat.compiler import compiler

    try:
        return compiler().version
    except BuildError:
        return "none"


def version_of(package: str) -> str:
    """Return the version of an installed package, or "none"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
