"""The session: an incremental solver behind lines of text."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import Clauses, pigeons, random_clauses, reference, satisfies, working


class Session:
    """One engine with --session."""

    def __init__(self, program: Path, *arguments: str) -> None:
        command = [str(program), "--session", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        assert self.process.stdout is not None
        self.say(line)
        return self.process.stdout.readline().rstrip("\n")

    def add(self, clauses: Clauses) -> None:
        self.say(*(" ".join(map(str, ["a", *clause, 0])) for clause in clauses))

    def solve(self, assumptions: list[int] | None = None, conflicts: int = -1, propagations: int = -1) -> str:
        return self.ask(" ".join(map(str, ["s", conflicts, propagations, *(assumptions or []), 0])))

    def literals(self, command: str) -> list[int]:
        kind, *numbers = self.ask(command).split()
        assert kind == command
        assert numbers.pop() == "0"
        return [int(number) for number in numbers]


@contextmanager
def session(program: Path, *arguments: str) -> Iterator[Session]:
    """A session that ends well."""
    opened = Session(program, *arguments)
    with opened.process:
        yield opened
        opened.say("q")
        assert opened.process.wait(timeout=120) == 0


def check_incremental(program: Path, seeds: range) -> None:
    """Grow formulas clause by clause, and solve them under assumptions on the way; models and cores are checked."""
    for seed in seeds:
        draw = random.Random(seed)
        clauses = random_clauses(seed, sizes=(10, 30, 80))
        variables = max(abs(lit) for clause in clauses for lit in clause)
        parts = sorted(draw.sample(range(len(clauses)), 4))
        with session(program, "--seed", str(seed % 2)) as solver:
            for start, end in zip([0, *parts], [*parts, len(clauses)], strict=True):
                solver.add(clauses[start:end])
                chosen = draw.sample(range(1, variables + 1), draw.randint(0, 8))
                assumptions = [draw.choice((1, -1)) * variable for variable in chosen]
                expected = reference(clauses[:end], assumptions)
                assert solver.solve(assumptions) == ("r 10" if expected == "sat" else "r 20"), f"seed {seed}"
                if expected == "sat":
                    model = solver.literals("m")
                    assert satisfies(model, [*clauses[:end], *([lit] for lit in assumptions)])
                else:
                    core = solver.literals("c")
                    assert set(core) <= set(assumptions)
                    assert reference(clauses[:end], core) == "unsat"


def test_incremental_answers_models_and_cores_are_right(engine: Path) -> None:
    check_incremental(engine, range(40))


def test_incremental_solving_is_clean_under_sanitizers(sanitized: Path) -> None:
    check_incremental(sanitized, range(100, 120))


def test_budgets_end_a_solve_and_the_next_goes_on(engine: Path) -> None:
    with session(engine) as solver:
        solver.add(pigeons(7))
        assert solver.solve(conflicts=10) == "r 0"
        assert solver.solve(propagations=10) == "r 0"
        assert 10 <= json.loads(solver.ask("t"))["conflicts"] < 60
        assert solver.solve() == "r 20"
        assert solver.literals("c") == []


def test_a_signal_interrupts_one_solve_only(engine: Path) -> None:
    with session(engine) as solver:
        solver.add(pigeons(12))
        solver.say("s -1 -1 0")
        working(solver.process)
        solver.process.send_signal(signal.SIGUSR1)
        assert solver.process.stdout is not None
        assert solver.process.stdout.readline() == "r 0\n"
        assert solver.solve([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12]) == "r 20"


def test_contradicting_assumptions_are_their_own_core(engine: Path) -> None:
    with session(engine) as solver:
        solver.add([[1, 2]])
        assert solver.solve([3, -3]) == "r 20"
        assert set(solver.literals("c")) == {3, -3}


def test_preferred_values_are_taken(engine: Path) -> None:
    with session(engine) as solver:
        solver.say("p -1 2 -3 0")
        solver.add([[1, 2, 3, 4]])
        assert solver.solve() == "r 10"
        assert solver.literals("m")[:3] == [-1, 2, -3]


def test_propagation_gives_what_follows(engine: Path) -> None:
    with session(engine) as solver:
        solver.add([[-1, 2], [-2, 3], [-4, -3]])
        assert solver.ask("P 1 0") == "P 1 1 2 3 -4 0"
        assert solver.ask("P 0") == "P 1 0"
        assert solver.ask("P 1 4 0").startswith("P 0 1 2 3 -4")
        solver.add([[1], [4]])
        assert solver.ask("P 5 0") == "P 0 0"


def test_a_wrong_command_is_answered_and_changes_nothing(engine: Path) -> None:
    with session(engine) as solver:
        solver.add([[1]])
        for line in ("z", "a 1", "a x 0", "s", "s 1 0", "sat", "P 1", "a 99999999999 0", "a 2147483648 0", "p 5"):
            assert solver.ask(line).startswith("e "), line
        assert solver.solve() == "r 10"
        assert solver.literals("m") == [1]


def test_a_session_ends_with_its_input(engine: Path) -> None:
    done = subprocess.run([str(engine), "--session"], input="a 1 0\ns -1 -1 0", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "r 10\n")
