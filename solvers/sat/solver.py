"""A SAT solver with the interface of PySAT's solvers, and with heuristics of one's own."""

from __future__ import annotations

import operator
import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import IO, Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from slotforge.core import registry
from slotforge.core.errors import SlotforgeError
from slotforge.solvers.machine import unsafe_allowed
from slotforge.solvers.sat import build, cnf, heuristics, verify
from slotforge.solvers.sat.compatible import Lacking, untangle
from slotforge.solvers.sat.domain import Sat
from slotforge.solvers.sat.session import COUNTERS, Engine

Literals = Iterable[int]
P = ParamSpec("P")
R = TypeVar("R")


def _while_alive(method: Callable[Concatenate[Solver, P], R]) -> Callable[Concatenate[Solver, P], R | None]:
    """Make a method do nothing and return None once the solver is deleted, as in PySAT."""

    @wraps(method)
    def guarded(self: Solver, /, *arguments: P.args, **named: P.kwargs) -> R | None:
        return None if self._deleted else method(self, *arguments, **named)

    return guarded


class Solver(Lacking):
    """An incremental SAT solver: the engine, in a sandboxed process, with the heuristics that it is given.

    The interface, and what it does in corner cases, are those of `pysat.solvers.Solver` with Glucose: it works with
    `pysat.formula` and in PySAT's examples. A heuristic can make it slow. One that crashes or loops ends in a
    SlotforgeError; the clauses are kept, and the next call starts over with them.

    Args:
        name: "slotforge", or one of PySAT's, which all mean this solver. It may be left out: as in PySAT's classes,
            such as Glucose4, the clauses may come first, and then use_timer.
        bootstrap_with: clauses to begin with: a `pysat.formula.CNF`, or an iterable of iterables of literals.
        use_timer: measure the engine's CPU seconds, for `time` and `time_accum`.
        heuristics: slot name to source; the path of a heuristics file; built-in variants as
            "restart_due=Luby,decay=EasySat"; the id of a candidate in the store; or None for the defaults.
        seed: other order and phases at the start; 0 for none. The same seed gives the same search.
        with_proof: keep a proof for `get_proof`.
        verify: check every model against the clauses before it is believed.
        store: database in which candidates are looked up. [default: that of the command line]
        incr, warm_start, native_card, sync_with: taken for PySAT's sake. Solving is always incremental, and there is
            no warm start; the others mean nothing here, nor do they with Glucose.

    Raises:
        SlotforgeError: name or heuristics do not exist, do not compile or cannot be loaded, or there is no sandbox.
        NotImplementedError: warm_start, or the formula has cardinality constraints.
    """

    def __init__(
        self,
        name: str | Iterable[Literals] | None = None,
        bootstrap_with: Iterable[Literals] | bool | None = None,
        use_timer: bool = False,
        *,
        heuristics: Mapping[str, str] | str | os.PathLike[str] | None = None,
        seed: int = 0,
        with_proof: bool = False,
        verify: bool = True,
        store: str | None = None,
        **named: Any,
    ) -> None:
        self._deleted = True
        self._verify = verify
        self._command, self._reads = _command(heuristics, seed, store)
        self.new(name, bootstrap_with, use_timer, with_proof=with_proof, **named)

    def new(
        self,
        name: str | Iterable[Literals] | None = None,
        bootstrap_with: Iterable[Literals] | bool | None = None,
        use_timer: bool = False,
        *,
        with_proof: bool = False,
        warm_start: bool = False,
        incr: bool = False,  # noqa: ARG002
        native_card: bool = False,  # noqa: ARG002
        sync_with: Any = None,  # noqa: ARG002
    ) -> None:
        """Begin anew after `delete`, with the same heuristics; does nothing before it, as in PySAT."""
        if not self._deleted:
            return
        clauses, self._use_timer = untangle(name, bootstrap_with, use_timer)
        self.start_mode(warm_start)
        self._proof: IO[bytes] | None = tempfile.TemporaryFile() if with_proof else None  # noqa: SIM115
        self._engine: Engine | None = None
        self._interrupted = Event()
        self._clauses = array("i")  # the literals of all clauses, each ended by 0
        self._count = 0
        self._sent = 0  # how much of it the engine has
        self._variables = 0
        self._phases: dict[int, int] = {}
        self._status: bool | None = None
        self._model: list[int] | None = None
        self._core: list[int] | None = None
        self._limits: dict[str, int] = {}  # counters at which a limited solve ends
        self._past = dict.fromkeys(COUNTERS, 0)  # of engines that are gone
        self._call_s = self._total_s = 0.0
        self._deleted = False
        if clauses is not None:
            self.append_formula(clauses)

    def __enter__(self) -> Solver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def delete(self) -> None:
        """End the engine; what is called afterwards does nothing and returns None."""
        if self._deleted:
            return
        self._deleted = True
        if self._engine:
            self._engine.close()
        if self._proof:
            self._proof.close()

    @_while_alive
    def add_clause(self, clause: Literals, no_return: bool = True) -> bool | None:
        """Add a clause; with no_return=False tell whether the formula is not yet refuted by propagation alone.

        Raises:
            TypeError, ValueError, RuntimeError: the clause does not consist of non-zero integers (as in PySAT).
        """
        literals = self._take(clause)
        self._clauses.extend([*literals, 0])
        self._count += 1
        return None if no_return else self._consistent()

    @_while_alive
    def append_formula(self, formula: Iterable[Literals], no_return: bool = True) -> bool | None:
        """Add all clauses of a formula; returns and raises as `add_clause`.

        Raises:
            NotImplementedError: the formula has native cardinality constraints.
        """
        if getattr(formula, "atmosts", None):
            raise NotImplementedError("Atmost constraints are not supported by slotforge: encode them with pysat.card")
        for clause in formula:
            self.add_clause(clause)
        return None if no_return else self._consistent()

    @_while_alive
    def solve(self, assumptions: Literals = ()) -> bool:
        """Decide the formula under assumptions, however long it takes; budgets are forgotten.

        Raises:
            SlotforgeError: a heuristic crashed or loops.
        """
        self._limits.clear()
        status = self._decide(self._take(assumptions), interruptible=False)
        assert status is not None
        return status

    @_while_alive
    def solve_limited(self, assumptions: Literals = (), expect_interrupt: bool = False) -> bool | None:  # noqa: ARG002
        """Decide the formula under assumptions within the budgets; None when they are used up or it is interrupted.

        Raises:
            SlotforgeError: a heuristic crashed or loops.
        """
        return self._decide(self._take(assumptions), interruptible=True)

    @_while_alive
    def conf_budget(self, budget: int = -1) -> None:
        """Limit the conflicts of limited solves from now on; 0 or -1 for no limit."""
        self._limit("conflicts", budget)

    @_while_alive
    def prop_budget(self, budget: int = -1) -> None:
        """Limit the propagations of limited solves from now on; 0 or -1 for no limit."""
        self._limit("propagations", budget)

    @_while_alive
    def interrupt(self) -> None:
        """End the limited solve that is under way, and those to come until `clear_interrupt`.

        It may be called from any thread, and from a signal handler.
        """
        self._interrupted.set()
        if self._engine:
            self._engine.interrupt()

    @_while_alive
    def clear_interrupt(self) -> None:
        """Allow limited solves again after `interrupt`."""
        self._interrupted.clear()

    @_while_alive
    def propagate(self, assumptions: Literals = (), phase_saving: int = 0) -> tuple[bool, list[int]]:  # noqa: ARG002
        """Propagate under assumptions, without search: whether that meets no conflict, and the literals that follow."""
        taken = self._take(assumptions)
        return self._timed(lambda engine: engine.propagate(taken))

    @_while_alive
    def set_phases(self, literals: Literals = ()) -> None:
        """Decide these variables with these values whenever they are decided."""
        taken = self._take(literals)
        self._phases |= {abs(literal): literal for literal in taken}
        if self._engine and not self._engine.closed:
            self._engine.prefer(taken)

    @_while_alive
    def get_status(self) -> bool | None:
        """The last answer; False as soon as added clauses refute the formula by propagation alone."""
        self._settle()
        return self._status

    @_while_alive
    def get_model(self) -> list[int] | None:
        """The model of the last solve, a literal for each variable; None when there is none."""
        self._settle()
        return list(self._model) if self._status and self._model is not None else None

    @_while_alive
    def get_core(self) -> list[int] | None:
        """Assumptions of the last solve that cannot hold together; None when it needed none of them."""
        return list(self._core) if self._status is False and self._core else None

    @_while_alive
    def get_proof(self) -> list[str] | None:
        """The lines of the DRAT proof so far; None without with_proof.

        It is of the formula as given, and complete when it ends with the empty clause "0".
        """
        if self._proof is None:
            return None
        size = os.fstat(self._proof.fileno()).st_size
        return os.pread(self._proof.fileno(), size, 0).decode().splitlines()

    @_while_alive
    def time(self) -> float:
        """CPU seconds of the last call, with use_timer."""
        return self._call_s

    @_while_alive
    def time_accum(self) -> float:
        """CPU seconds of all calls, with use_timer."""
        return self._total_s

    @_while_alive
    def nof_vars(self) -> int:
        """The largest variable so far."""
        return self._variables

    @_while_alive
    def nof_clauses(self) -> int:
        """How many clauses were added."""
        return self._count

    @_while_alive
    def accum_stats(self) -> dict[str, int]:
        """Restarts, conflicts, decisions, propagations and ticks of all calls together."""
        now = self._running().statistics()
        return {name: past + now[name] for name, past in self._past.items()}

    def enum_models(self, assumptions: Literals = ()) -> Iterator[list[int]]:
        """Yield the models one after the other; each is excluded by a clause when it is yielded."""
        taken = list(assumptions)
        while self.solve(taken):
            model = self.get_model()
            if model is None:
                return
            self.add_clause([-literal for literal in model])
            yield model

    def _take(self, literals: Literals) -> list[int]:
        """Read literals, with PySAT's complaints."""
        try:
            taken = [operator.index(literal) for literal in literals]
        except TypeError:
            if not isinstance(literals, Iterable):
                raise RuntimeError("Object does not seem to be an iterable.") from None
            raise TypeError("integer expected") from None
        largest = max(map(abs, taken), default=0)
        if 0 in taken:
            raise ValueError("non-zero integer expected")
        if largest > cnf.MAX_VARIABLE:
            raise ValueError(f"a variable is at most {cnf.MAX_VARIABLE}")
        self._variables = max(self._variables, largest)
        return taken

    def _running(self) -> Engine:
        """The engine, with all clauses; started when there is none, or when it is gone."""
        if self._engine is None or self._engine.closed:
            self._start()
        assert self._engine is not None
        if self._sent < len(self._clauses):
            self._engine.add(cnf.ClauseArray(np.array(self._clauses[self._sent :], dtype=np.int32)))
            self._sent = len(self._clauses)
        return self._engine

    def _start(self) -> None:
        descriptor = None
        if self._proof:
            descriptor = self._proof.fileno()
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.ftruncate(descriptor, 0)
        if self._engine:
            self._past = {name: past + self._engine.counters[name] for name, past in self._past.items()}
        self._sent = 0
        self._engine = Engine(
            self._command, self._reads, self._interrupted, proof=descriptor, allow_unsafe=unsafe_allowed()
        )
        if self._phases:
            self._engine.prefer(list(self._phases.values()))

    def _timed(self, call: Callable[[Engine], R]) -> R:
        engine = self._running()
        start = engine.cpu_s() if self._use_timer else 0.0
        result = call(engine)
        if self._use_timer:
            self._call_s = engine.cpu_s() - start
            self._total_s += self._call_s
        return result

    def _decide(self, assumptions: list[int], *, interruptible: bool) -> bool | None:
        self._status = self._model = self._core = None
        self._status = self._timed(lambda engine: self._solve(engine, assumptions, interruptible))
        return self._status

    def _solve(self, engine: Engine, assumptions: list[int], interruptible: bool) -> bool | None:
        left: dict[str, int | None] = {"conflicts": None, "propagations": None}
        if self._limits:
            now = self.accum_stats() or {}
            left |= {name: limit - now[name] for name, limit in self._limits.items()}
        answer = engine.solve(assumptions, variables=self._variables, **left, interruptible=interruptible)
        if answer:
            self._model = self._checked(engine.model(), assumptions)
        elif answer is False and assumptions:
            self._core = engine.core()
            if not set(self._core) <= set(assumptions):
                raise self._wrong("the core has literals that are no assumptions")
        return answer

    def _checked(self, model: list[int], assumptions: list[int]) -> list[int]:
        """The model, when it satisfies the clauses and each assumption as a clause of its own."""
        if self._verify:
            units = [literal for assumption in assumptions for literal in (assumption, 0)]
            flat = np.concatenate([np.array(self._clauses, dtype=np.int32), np.array(units, dtype=np.int32)])
            formula = cnf.Formula(variables=self._variables, clauses=cnf.ClauseArray(flat))
            if fault := verify.check_model(formula, model):
                raise self._wrong(f"the model is none: {fault}")
        return model

    def _wrong(self, fault: str) -> SlotforgeError:
        if self._engine:
            self._engine.close()
        return SlotforgeError(f"the engine answered wrongly and was stopped: {fault}; use other heuristics")

    def _limit(self, counter: str, budget: int) -> None:
        self._limits.pop(counter, None)
        if budget > 0:
            self._limits[counter] = (self.accum_stats() or {})[counter] + budget

    def _consistent(self) -> bool:
        """Whether propagation alone does not refute the clauses so far."""
        consistent, _ = self._running().propagate([])
        if not consistent:
            self._status, self._core = False, None
        return consistent

    def _settle(self) -> None:
        if self._status and self._sent < len(self._clauses):
            self._consistent()


def _command(chosen: Any, seed: int, store: str | None) -> tuple[list[str], list[Path]]:
    """The engine's command line for heuristics, and what it reads."""

    def known(ref: str) -> Mapping[str, str]:
        opened = registry.load("slotforge.lineage", "store").open_store(store, new=False)
        with opened:
            slots: Mapping[str, str] = registry.load("slotforge.lineage", "queries").candidate(opened, ref).slots
        return slots

    slots = heuristics.resolve(chosen, known)
    builder = Sat().builder
    arguments = builder.engine_arguments(slots)
    return [str(build.engine()), "--seed", str(seed), *arguments], [builder.cache] if slots else []
