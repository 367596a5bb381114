"""A run is judged by what can be checked: time by the work, output by its form, faults by their cause."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Instance, Measurement, Outcome
from slotforge.solvers import sandbox
from slotforge.solvers.sat import cnf, measure
from slotforge.solvers.sat.domain import Sat
from slotforge.testing.processes import children, command

SOLVED = {"answer": "sat", "ticks": 4_000_000, "model": [1, 2], "conflicts": 7}
ENGINE_S = 30.0  # for an engine to start
MEASURE = """
import sys
from slotforge.core.types import Candidate, Instance
from slotforge.solvers.sat.domain import Sat
instance = Instance(id="i", name="f", family="f", path=sys.argv[1])
made = Sat().measure(Candidate(domain="sat"), instance, seed=0, limit=None, prove=True, fused=False)
print(made.outcome, made.answer, made.evidence)
"""
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def formula(tmp_path: Path) -> Path:
    path = tmp_path / "f.cnf"
    path.write_text("p cnf 2 2\n1 0\n2 0\n")
    return path


def pigeons(path: Path, holes: int) -> Path:
    """Write that there is one pigeon more than holes, and room for each: hard to refute for more than ten."""
    somewhere = [[holes * pigeon + hole + 1 for hole in range(holes)] for pigeon in range(holes + 1)]
    alone = [[-one, -other] for hole in zip(*somewhere, strict=True) for one, other in itertools.combinations(hole, 2)]
    cnf.write(cnf.Formula(variables=holes * (holes + 1), clauses=somewhere + alone), path)
    return path


def measuring(formula: Path, temporary: Path) -> subprocess.Popen[str]:
    """Start a process that demands a proof of a formula, and puts what is temporary into a folder."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", MEASURE, str(formula)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def measured(
    monkeypatch: pytest.MonkeyPatch, formula: Path, stdout: object = b"", slots: Sequence[str] = (), **ended: Any
) -> Measurement:
    """Measure a process that ended so."""
    said = stdout if isinstance(stdout, bytes) else json.dumps(stdout).encode()
    fields = {"stderr": b"", "exit": 10, "signal": None, "reason": "exited", "cpu_s": 0.1, "wall_s": 0.1}
    outcome = sandbox.Outcome(stdout=said, **(fields | {"rss_kb": 0, "level": 3, "layers": ()} | ended))
    monkeypatch.setattr(sandbox, "run", lambda *_, **__: outcome)
    instance = Instance(id="i", name="f", family="f", path=str(formula))
    return measure.run(
        Path("solver"),
        [],
        [],
        "c",
        instance,
        seed=0,
        limit=10_000_000,
        prove=False,
        build="plugin",
        slots=slots,
        allow_unsafe=True,
    )


def test_time_is_allowed_for_the_work_and_for_reading_the_formula(
    monkeypatch: pytest.MonkeyPatch, formula: Path
) -> None:
    assert measured(monkeypatch, formula, SOLVED, cpu_s=4.9).outcome is Outcome.SOLVED
    assert measured(monkeypatch, formula, SOLVED, cpu_s=5.1).outcome is Outcome.TIMEOUT
    with formula.open("a") as file:
        file.write("c\n" * 5_000_000)
    assert measured(monkeypatch, formula, SOLVED, cpu_s=6.9).outcome is Outcome.SOLVED
    assert measured(monkeypatch, formula, SOLVED, cpu_s=7.1).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 100_000,
        b'{"answer":' + b"[" * 100_000,
        b'{"answer":"sat","ticks":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"",
        *({**SOLVED, "ticks": ticks} for ticks in (True, -1, 2**63, 1.5, "7", float("inf"), None)),
        {**SOLVED, "answer": ["sat"]},
        [SOLVED],
    ],
    ids=lambda said: repr(said)[:30],
)
def test_output_that_is_no_answer_is_a_crash_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, formula: Path, said: object
) -> None:
    assert measured(monkeypatch, formula, said).outcome is Outcome.CRASH


@pytest.mark.parametrize("count", [float("nan"), float("inf"), 10**400, -1, True, "7", [7]])
def test_a_counter_that_is_no_count_is_left_out(monkeypatch: pytest.MonkeyPatch, formula: Path, count: object) -> None:
    made = measured(monkeypatch, formula, {**SOLVED, "conflicts": count, "restarts": 3})
    assert made.stats == {"restarts": 3.0}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=st.dictionaries(st.sampled_from([*SOLVED, "glue"]), JUNK, max_size=4))
def test_no_output_raises(formula: Path, changed: dict[str, object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        made = measured(patch, formula, SOLVED | changed)
    assert 1 <= made.cost < 2**63


def test_a_full_disk_is_no_fault_of_the_candidate(monkeypatch: pytest.MonkeyPatch, formula: Path) -> None:
    with pytest.raises(SlotforgeError, match=r"^f: .*: free space"):
        measured(monkeypatch, formula, stderr=b"the proof cannot be written: No space left on device\n", exit=1)


def test_a_proof_is_checked(tmp_path: Path) -> None:
    with measuring(pigeons(tmp_path / "f.cnf", 5), tmp_path) as process:
        assert process.communicate()[0].split() == ["solved", "unsat", "proof"]
    assert [file.name for file in tmp_path.iterdir()] == ["f.cnf"]


def test_a_kill_leaves_no_proof_behind(tmp_path: Path) -> None:
    with measuring(pigeons(tmp_path / "f.cnf", 12), tmp_path) as process:
        end = time.monotonic() + ENGINE_S
        while not any("--proof-fd" in command(below) for child in children(process.pid) for below in children(child)):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert [file.name for file in tmp_path.iterdir()] == ["f.cnf"]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ({"stderr": b"out of memory\n", "exit": 1}, "more memory than the 4096 MiB"),
        ({"signal": int(signal.SIGKILL), "exit": None, "reason": "memory"}, "more memory than the 4096 MiB"),
        ({"signal": int(signal.SIGXFSZ), "exit": None, "reason": "signal"}, "proof is larger than 4096 MiB"),
        ({"reason": "output", "exit": None, "signal": 15, "stdout": b"["}, "answer is longer"),
    ],
)
def test_what_is_too_large_for_the_machine_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, formula: Path, ended: dict[str, Any], reason: str
) -> None:
    made = measured(monkeypatch, formula, **ended)
    assert made.outcome is Outcome.TOO_LARGE
    assert reason in made.reason


def test_a_formula_that_does_not_fit_into_memory_is_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "big.cnf"
    path.write_text("p cnf 1000000 1\n1 2 0\n")
    monkeypatch.setattr(measure, "MEMORY_MB", 64)
    instance = Instance(id="i", name="big.cnf", family="f", path=str(path))
    made = Sat().measure(Candidate(domain="sat"), instance, seed=0, limit=None, prove=False, fused=False)
    assert (made.outcome, made.reason) == (Outcome.TOO_LARGE, "it needs more memory than the 64 MiB of a run")


@pytest.mark.parametrize(("slots", "kept"), [((), {"a", "b"}), (("a",), {"a"})])
def test_what_policies_answered_is_kept_of_the_slots_that_matter(
    monkeypatch: pytest.MonkeyPatch, formula: Path, slots: tuple[str, ...], kept: set[str]
) -> None:
    said = {**SOLVED, "ticks_bump": 3, "slot_a_calls": 1, "slot_b_calls": 2, "other": 5}
    made = measured(monkeypatch, formula, said, slots=slots)
    assert {name for name in made.stats if name.startswith("slot_")} == {f"slot_{name}_calls" for name in kept}
    assert made.stats["ticks_bump"] == 3
    assert "other" not in made.stats
