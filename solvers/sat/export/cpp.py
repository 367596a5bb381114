"""A C++ header with the policies, which the engine's own build and `--heuristics` take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.types import Candidate
from slotforge.solvers.provenance import lines, title
from slotforge.solvers.sat import heuristics

if TYPE_CHECKING:
    from slotforge.solvers.sat.build import Builder

_USE = """
To use it:
  slotforge solve FORMULA.cnf --heuristics THIS_FILE
  slotforge.solvers.sat.Solver(heuristics="THIS_FILE") in Python
  #include it in C++, with -std=c++20 and the include paths solvers/sat and solvers/sat/engine/include of slotforge;
  the policies are heuristics::SLOT::NAME"""


def write(candidate: Candidate, out: Path, provenance: Mapping[str, Any], builder: Builder) -> Path:
    """Write the header; the policies are compiled once to be sure of them."""
    builder.engine_arguments(candidate.slots)
    out.write_text(header(candidate, provenance), encoding="utf-8")
    return out


def header(candidate: Candidate, provenance: Mapping[str, Any]) -> str:
    """The text of the header."""
    comments = [title(candidate), "", *lines(provenance), *_USE.splitlines()]
    return heuristics.write(candidate.slots, comments)
