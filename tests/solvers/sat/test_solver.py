"""The solver with PySAT's interface, against PySAT's own solvers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pysat.card import CardEnc, EncType
from pysat.examples.genhard import PHP
from pysat.formula import CNF, CNFPlus, IDPool
from pysat.solvers import Cadical153, Glucose4

from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.solvers.machine import unsafe_allowed
from slotforge.solvers.sat import Solver, build, session
from slotforge.solvers.sat.verify import check_proof

FORKS = """
import os, signal
from slotforge.solvers.sat import Solver
solver = Solver(bootstrap_with=[[1, 2], [-1]])
assert solver.solve()
if (child := os.fork()) == 0:
    signal.alarm(20)
    del solver  # what a collection of garbage does in a process of a pool
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert solver.solve(assumptions=[2]) and not solver.solve(assumptions=[-2])
"""
INTERRUPTS = """
import os, signal
from pysat.examples.genhard import PHP
from slotforge.solvers.sat import Solver, session
solver = Solver(bootstrap_with=PHP(nof_holes=12))
solver.propagate()
send = session.Engine._send

def interrupted(engine, text):
    signal.raise_signal(signal.SIGUSR1)
    send(engine, text)

signal.signal(signal.SIGUSR1, lambda *_: solver.interrupt())
signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
session.Engine._send = interrupted
signal.alarm(30)
assert solver.solve_limited(expect_interrupt=True) is None
"""
LOOPS = "struct Loops { double operator()(const View &) { while (true) {} return 1.0; } };"
CRASHES = """struct Crashes {
    std::array<double, 4> few{};
    double operator()(const View &view) { return few[view.conflicts + 100]; }
};"""
SLOW = "restart_due=Fixed:interval=16,decay=EasySat"

LITERALS = st.integers(1, 9).flatmap(lambda v: st.sampled_from([v, -v]))
CLAUSES = st.lists(LITERALS, min_size=1, max_size=4)
ASSUMPTIONS = st.lists(LITERALS, max_size=5)


pytestmark = pytest.mark.usefixtures("home_of_builds")


class Incremental(RuleBasedStateMachine):
    """Any sequence of calls: our solver and Glucose answer alike, and what ours claims holds."""

    @initialize(heuristics=st.sampled_from([None, SLOW, "switch_mode=AlwaysStable"]), seed=st.integers(0, 3))
    def begin(self, heuristics: str | None, seed: int) -> None:
        self.ours = Solver(heuristics=heuristics, seed=seed)
        self.theirs = Glucose4()
        self.clauses: list[list[int]] = []

    @rule(clauses=st.lists(CLAUSES, max_size=8))
    def add(self, clauses: list[list[int]]) -> None:
        self.clauses += clauses
        self.ours.append_formula(clauses)
        self.theirs.append_formula(clauses)
        assert self.ours.nof_clauses() == len(self.clauses)

    @rule(clause=CLAUSES)
    def add_and_ask(self, clause: list[int]) -> None:
        self.clauses.append(clause)
        assert self.ours.add_clause(clause, no_return=False) == self.theirs.add_clause(clause, no_return=False)

    @rule(assumptions=ASSUMPTIONS)
    def solve(self, assumptions: list[int]) -> None:
        answer = self.ours.solve(assumptions=assumptions)
        assert answer == self.theirs.solve(assumptions=assumptions)
        assert answer == self.ours.get_status()
        self.check_claims(answer, assumptions)

    @rule(assumptions=ASSUMPTIONS, budget=st.integers(1, 20))
    def solve_limited(self, assumptions: list[int], budget: int) -> None:
        self.ours.conf_budget(budget)
        answer = self.ours.solve_limited(assumptions=assumptions)
        if answer is None:
            assert self.ours.get_model() is None
            assert self.ours.get_core() is None
        else:
            assert answer == self.theirs.solve(assumptions=assumptions)
            self.check_claims(answer, assumptions)

    def check_claims(self, answer: bool | None, assumptions: list[int]) -> None:
        model, core = self.ours.get_model(), self.ours.get_core()
        if answer:
            assert core is None
            assert model is not None
            assert [abs(literal) for literal in model] == list(range(1, self.ours.nof_vars() + 1))  # type: ignore[arg-type]
            assert set(assumptions) <= set(model)
            assert all(set(clause) & set(model) for clause in self.clauses)
        else:
            assert model is None
            assert set(core or []) <= set(assumptions)
            with Cadical153(bootstrap_with=self.clauses) as fresh:
                assert not fresh.solve(assumptions=core or [])

    @rule(assumptions=ASSUMPTIONS)
    def propagate(self, assumptions: list[int]) -> None:
        ours, theirs = self.ours.propagate(assumptions), self.theirs.propagate(assumptions)
        assert ours is not None
        assert ours[0] == theirs[0]
        if ours[0]:
            assert set(ours[1]) == set(theirs[1])

    @rule(literals=ASSUMPTIONS)
    def prefer(self, literals: list[int]) -> None:
        self.ours.set_phases(literals)

    def teardown(self) -> None:
        if hasattr(self, "ours"):
            self.ours.delete()
            self.theirs.delete()


Incremental.TestCase.settings = settings(
    max_examples=50, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnySequenceOfCalls = Incremental.TestCase


def test_a_process_that_was_forked_lets_go_of_a_solver_and_the_first_one_keeps_it() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=120)


def test_models_are_enumerated_as_by_glucose() -> None:
    formula = CNF(from_clauses=[[1, 2, 3], [-1, -2], [-3, 4], [2, -4]])
    with Solver(bootstrap_with=formula) as ours, Glucose4(bootstrap_with=formula) as theirs:
        for assumptions in ([], [3], [-1]):
            found = [tuple(model) for model in islice(ours.enum_models(assumptions), 100)]
            assert sorted(found) == sorted(map(tuple, theirs.enum_models(assumptions)))
            assert ours.get_status() is False


def test_cardinality_encodings_and_variable_pools_work() -> None:
    pool = IDPool()
    picked = [pool.id(("pick", i)) for i in range(12)]
    exactly = CardEnc.equals(lits=picked, bound=5, vpool=pool, encoding=EncType.totalizer)
    with Solver(exactly.clauses) as solver:
        assert solver.solve(assumptions=picked[:2])
        model = solver.get_model()
        assert model is not None
        assert sum(literal in model for literal in picked) == 5
        assert solver.solve(assumptions=picked[:6]) is False


def test_corner_cases_are_those_of_pysat() -> None:
    solver = Solver()
    assert solver.get_status() is None
    assert (solver.solve(), solver.get_model(), solver.get_core(), solver.nof_vars()) == (True, [], None, 0)
    for wrong, error in (([1, 0], ValueError), (["a"], TypeError), ([1.5], TypeError), (3, RuntimeError)):
        with pytest.raises(error):
            solver.add_clause(wrong)  # type: ignore[arg-type]
    solver.add_clause(literal for literal in (1, 2))
    assert solver.solve(assumptions=[1, -1]) is False
    assert sorted(solver.get_core() or []) == [-1, 1]
    solver.append_formula([[1], [-1]])
    assert (solver.get_status(), solver.solve(), solver.get_core()) == (False, False, None)
    assert solver.get_proof() is None
    assert not solver.supports_atmost()
    with pytest.raises(NotImplementedError):
        solver.add_atmost([1, 2], 1)
    cards = CNFPlus()
    cards.append([[1, 2], 1], is_atmost=True)
    with pytest.raises(NotImplementedError):
        Solver(bootstrap_with=cards)
    solver.delete()
    solver.delete()
    assert (solver.solve(), solver.get_model(), solver.add_clause([1]), solver.nof_vars()) == (None, None, None, None)
    assert list(solver.enum_models()) == []


def test_phases_are_obeyed_until_they_are_changed() -> None:
    with Solver([[1, 2, 3], [-4, 5]]) as solver:
        for phases in ([-1, -2, 3, 4, 5], [1, -2, -3, -4, -5]):
            solver.set_phases(phases)
            assert solver.solve()
            assert solver.get_model() == phases


def test_budgets_end_limited_solves_only() -> None:
    with Solver(PHP(nof_holes=8), use_timer=True) as solver:
        solver.conf_budget(50)
        assert solver.solve_limited() is None
        conflicts = (solver.accum_stats() or {})["conflicts"]
        assert 50 <= conflicts <= 52
        assert solver.solve_limited() is None, "the budget is used up until it is set again"
        solver.conf_budget()
        solver.prop_budget(500)
        assert solver.solve_limited() is None
        solver.prop_budget(500)
        assert solver.solve() is False
        assert 0 < (solver.time() or 0) <= (solver.time_accum() or 0)


def test_the_same_seed_gives_the_same_search_and_slices_do_not_change_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = []
    for _ in range(2):
        with Solver(PHP(nof_holes=7), seed=5) as solver:
            assert solver.solve() is False
            counted.append(solver.accum_stats())
    assert counted[0] == counted[1]
    monkeypatch.setattr(session, "SLICE", 1000)
    with Solver(PHP(nof_holes=7), seed=5) as solver:
        assert solver.solve() is False


def test_a_slice_is_long_enough_to_assign_all_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SLICE", 100)
    with Solver([[i, i + 1] for i in range(1, 1000, 2)]) as solver:
        timer = threading.Timer(10, solver.interrupt)
        timer.start()
        assert solver.solve_limited(expect_interrupt=True) is True
        timer.cancel()


def test_an_engine_that_cannot_go_on_is_stopped_and_answers_no_later_question() -> None:
    taken, full = os.pipe2(os.O_NONBLOCK)
    engine = session.Engine([str(build.engine())], [], threading.Event(), proof=full, allow_unsafe=unsafe_allowed())
    try:
        engine.add([[2, 3], [1], *([*range(-1000, 0), i] for i in range(1001, 1401))])
        with pytest.raises(SlotforgeError, match="the proof cannot be written"):
            engine.solve([2], variables=1400, conflicts=None, propagations=None, interruptible=False)
        assert engine.closed
    finally:
        engine.close()
        os.close(taken)
        os.close(full)


def test_proofs_are_those_of_the_formula(tmp_path: Path) -> None:
    formula, proof = tmp_path / "php.cnf", tmp_path / "php.drat"
    PHP(nof_holes=5).to_file(str(formula))
    with Solver(CNF(from_file=str(formula)), with_proof=True) as solver:
        assert solver.solve() is False
        lines = solver.get_proof() or []
        assert lines[-1] == "0"
        assert lines == solver.get_proof()
        proof.write_text("\n".join(lines) + "\n")
    assert check_proof(formula, proof).verified


def test_an_interruption_ends_a_limited_solve_and_stays_until_it_is_cleared() -> None:
    with Solver(PHP(nof_holes=12)) as solver:
        timer = threading.Timer(0.3, solver.interrupt)
        timer.start()
        assert solver.solve_limited(expect_interrupt=True) is None
        timer.join()
        assert solver.solve_limited(expect_interrupt=True) is None
        solver.clear_interrupt()
        solver.conf_budget(1000)
        before = (solver.accum_stats() or {})["conflicts"]
        assert solver.solve_limited(expect_interrupt=True) is None
        assert (solver.accum_stats() or {})["conflicts"] >= before + 1000


def test_a_signal_handler_may_interrupt_at_any_moment() -> None:
    subprocess.run([sys.executable, "-c", INTERRUPTS], check=True, timeout=120)


def test_a_heuristic_that_crashes_is_an_error_and_the_clauses_are_kept() -> None:
    with Solver(PHP(nof_holes=6), heuristics={"decay": CRASHES}) as solver:
        for _ in range(2):
            with pytest.raises(SlotforgeError, match="crashed"):
                solver.solve()
            assert solver.get_status() is None
        assert solver.solve(assumptions=[1, -1]) is False
        assert solver.propagate([1])[0]  # type: ignore[index]


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_heuristic_that_loops_is_an_error(interrupted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "INTERRUPT_PATIENCE_S", 0.1)
    monkeypatch.setattr(session, "PATIENCE_S", 60.0 if interrupted else 1.0)
    with Solver(PHP(nof_holes=6), heuristics={"decay": LOOPS}) as solver:
        if interrupted:
            threading.Timer(0.3, solver.interrupt).start()
        with pytest.raises(SlotforgeError, match="loops"):
            solver.solve_limited(expect_interrupt=True)


def test_a_wrong_model_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with Solver([[1, 2], [-1, 2]]) as solver:
        monkeypatch.setattr(session.Engine, "model", lambda self: [1, -2])  # noqa: ARG005
        with pytest.raises(SlotforgeError, match="clause 2 is not satisfied"):
            solver.solve()
        assert solver.get_model() is None


def test_heuristics_that_are_none_are_refused_in_one_line() -> None:
    for heuristics, error in (
        ({"decay": "struct A { int *p; double operator()(const View &) { return 1.0; } };"}, BuildError),
        ({"decay": "nonsense"}, BuildError),
        ({"gravity": LOOPS}, BuildError),
        ("gravity=Luby", UsageError),
        ("restart_due=Gravity", UsageError),
        ("restart_due=Luby:gravity=1", UsageError),
        ("/no/such/file.hpp", BuildError),
        ("what is this", UsageError),
        ("0123456789abcdef", SlotforgeError),
    ):
        with pytest.raises(error) as caught:
            Solver(heuristics=heuristics)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["g4", "cadical153", "M22", "slotforge"])
def test_a_name_comes_first_as_in_pysat_and_means_this_solver(name: str) -> None:
    for solver in (
        Solver(name, [[1], [-1, 2]], True),
        Solver(name, bootstrap_with=[[1], [-1, 2]], use_timer=True),
        Solver(name=name, bootstrap_with=[[1], [-1, 2]], use_timer=True),
    ):
        with solver:
            assert solver.solve() is True
            assert solver.get_model() == [1, 2]
            assert solver.time() > 0


def test_without_a_name_clauses_and_timer_come_first_as_in_the_classes_of_pysat() -> None:
    with Solver(PHP(nof_holes=4), True) as ours, Glucose4(PHP(nof_holes=4), True) as theirs:
        assert ours.solve() is theirs.solve() is False
        assert ours.time() > 0


def test_arguments_that_mean_nothing_are_refused() -> None:
    for name in ("restart_due=Luby", "g5", "baseline", ""):
        with pytest.raises(UsageError, match="heuristics="):
            Solver(name)
    with pytest.raises(TypeError, match="twice"):
        Solver([[1]], bootstrap_with=[[2]])
    with pytest.raises(TypeError):
        Solver("g4", True)
    with pytest.raises(TypeError, match="gravity"):
        Solver("g4", gravity=1)


def test_every_method_of_pysat_is_there_and_those_that_glucose_lacks_raise_what_they_raise_there() -> None:
    from pysat.solvers import Solver as Theirs

    methods = {name for name, kind in vars(Theirs).items() if callable(kind) and not name.startswith("_")}
    assert methods <= set(dir(Solver))
    lacking = {
        "activate_atmost": (), "attach_vpool": (), "sync_vars": (), "sync_vpool": (), "set_activities": (),
        "set_xscope": (), "xpairs": (), "xpin": ([1],), "xunpin": ([1],), "connect_propagator": (None,),
        "disconnect_propagator": (), "enable_propagator": (), "disable_propagator": (), "propagator_active": (),
        "observe": (1,), "ignore": (1,), "reset_observed": (), "is_decision": (1,), "dec_budget": (1,),
        "add_xor_clause": ([1],), "add_atmost": ([1, 2], 1), "configure": ({},), "supports_atmost": (),
    }  # fmt: skip

    def ask(solver: Any, name: str) -> Any:
        try:
            return getattr(solver, name)(*lacking[name])
        except NotImplementedError:
            return NotImplementedError

    with Solver("g4") as ours, Theirs("g4") as theirs:
        assert {name: ask(ours, name) for name in lacking} == {name: ask(theirs, name) for name in lacking}
    assert [ask(ours, name) for name in lacking if name != "supports_atmost"] == [None] * (len(lacking) - 1)


def test_new_begins_anew_after_delete_with_the_same_heuristics_and_does_nothing_before() -> None:
    solver = Solver("g4", [[1]], heuristics="restart_due=Luby", seed=3)
    solver.new("g4", [[-1]])
    assert solver.solve() is True
    solver.delete()
    assert solver.solve() is None
    solver.new("m22", [[-1], [1]], use_timer=True)
    assert solver.solve() is False
    assert solver.nof_clauses() == 2
    solver.delete()
