"""SAT: a CDCL engine whose policies stand in slots, and `Solver`, which has the interface of PySAT's solvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slotforge.solvers.sat.solver import Solver

__all__ = ["Solver"]


def __getattr__(name: str) -> Any:
    """Import `Solver` when it is first used."""
    if name != "Solver":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from slotforge.solvers.sat.solver import Solver

    return Solver
