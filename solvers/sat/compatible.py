"""What `Solver` takes and offers for PySAT's sake alone: names of solvers, and methods that only others have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from slotforge.core.errors import UsageError

OURS = "slotforge"

Formula = Iterable[Iterable[int]]


def untangle(
    name: str | Formula | None, bootstrap_with: Formula | bool | None, use_timer: bool
) -> tuple[Formula | None, bool]:
    """Read the first arguments, whether they are those of `pysat.solvers.Solver` or, without a name, of its classes.

    Returns:
        The clauses to begin with, and whether to measure time.

    Raises:
        UsageError: a name that PySAT does not know either.
        TypeError: clauses are given twice, or are none.
    """
    if isinstance(name, str):
        _check(name)
    if name is None or isinstance(name, str):
        if isinstance(bootstrap_with, bool):
            raise TypeError("bootstrap_with is a formula, not a truth value")
        return bootstrap_with, use_timer
    if bootstrap_with is not None and not isinstance(bootstrap_with, bool):
        raise TypeError("clauses are given twice, first and as bootstrap_with")
    return name, bool(bootstrap_with) or use_timer


def _check(name: str) -> None:
    """Refuse what names no solver; it may have been meant for heuristics, and must not go unheard."""
    try:
        from pysat.solvers import SolverNames
    except ImportError:
        return
    known = {OURS, *(other for kind in vars(SolverNames).values() if isinstance(kind, tuple) for other in kind)}
    if name.lower() not in known:
        raise UsageError(
            f"no solver called '{name}': a name is '{OURS}', or one of PySAT's, which all mean this solver; "
            "heuristics are given as heuristics=..."
        )


def _lacking(what: str) -> Callable[..., Any]:
    """Make a method that raises what PySAT raises for a solver without it, and nothing once the solver is deleted."""

    def method(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: ARG001
        if not self._deleted:
            raise NotImplementedError(f"{what} not supported by slotforge")

    method.__doc__ = f"{what} not supported."
    return method


_ATMOST = "Native cardinality constraints, which pysat.card encodes, are"
_PROPAGATOR = "External propagators are"
_POOL = "Variable synchronization is"
_MINING = "Extension-variable mining is"


class Lacking:
    """The methods of `pysat.solvers.Solver` that this solver does not offer."""

    _deleted: bool

    dec_budget = _lacking("Limit on decisions is")
    add_xor_clause = _lacking("XOR clauses are")
    add_atmost = activate_atmost = _lacking(_ATMOST)
    set_activities = _lacking("Setting variable activities is")
    attach_vpool = sync_vars = sync_vpool = _lacking(_POOL)
    set_xscope = xpairs = xpin = xunpin = _lacking(_MINING)
    connect_propagator = disconnect_propagator = enable_propagator = disable_propagator = _lacking(_PROPAGATOR)
    propagator_active = observe = ignore = reset_observed = is_decision = _lacking(_PROPAGATOR)

    def supports_atmost(self) -> bool:
        """Native cardinality constraints are not supported: use `pysat.card`."""
        return False

    def configure(self, parameters: Any) -> None:
        """Do nothing, as PySAT does for a solver without parameters: heuristics are given as heuristics=..."""

    def start_mode(self, warm: bool = False) -> None:
        """There is no warm start."""
        if warm:
            raise NotImplementedError("Warm-start mode is not supported by slotforge")
