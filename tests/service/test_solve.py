"""solve, generate and export, through the command line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from slotforge.core.comparison import FamilyVerdict, Held, Verdict
from slotforge.core.types import (
    Call,
    Candidate,
    Completion,
    Measurement,
    Outcome,
    Prompt,
    RunConfig,
    Suite,
    Trial,
    TrialState,
)
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore, open_store
from slotforge.solvers.sat import Solver, cnf, families, heuristics
from slotforge.solvers.sat.verify import check_model, check_proof

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*"))
MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
SAT = b"c small\np cnf 3 3\n1 -2 0\n2 3 0\n-1 -3 0\n"
UNSAT = b"p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n"
LOOPS = "// slot: decay\nstruct Loops { double operator()(const View &) { while (true) {} return 1.0; } };\n"
CRASHES = """// slot: decay
struct Crashes {
    std::array<double, 4> few{};
    double operator()(const View &view) { return few[view.conflicts + 100]; }
};
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A formula that takes hours: the miter of two multipliers of 20 bits."""
    path = tmp_path_factory.mktemp("hard") / "hard.cnf"
    cnf.write(families.generate("miter:16", 0, 0), path)
    return path


def slotforge(*words: str | Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*MAIN, *map(str, words)], input=data, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("formula", "warned"),
    [
        (SAT, []),
        (
            UNSAT.replace(b"2 4", b"1 9"),
            ["states 1 variables, the clauses use 2", "states 9 clauses, the file holds 4"],
        ),
        (SAT.replace(b"p cnf 3 3\n", b""), ["'p cnf VARIABLES CLAUSES' is missing"]),
    ],
)
def test_a_header_that_is_false_is_warned_of_once_and_the_answer_stays_as_it_is(
    formula: bytes, warned: list[str]
) -> None:
    done = subprocess.run([*MAIN, "solve"], input=formula, capture_output=True, timeout=120, check=False)
    assert done.returncode == (20 if b"1 9" in formula else 10)
    assert {line[:1] for line in done.stdout.splitlines()} <= {b"s", b"v"}
    lines = done.stderr.decode().splitlines()
    assert lines == [f"warning: <stdin>: the header {line}" for line in warned]


def test_every_form_of_a_file_is_solved_and_the_model_holds(tmp_path: Path) -> None:
    for name, content in (
        ("f.cnf", SAT), ("f.cnf.gz", gzip.compress(SAT)), ("f.cnf.xz", lzma.compress(SAT)),
        ("f.cnf.bz2", bz2.compress(SAT)), ("named.otherwise", gzip.compress(SAT)),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        ended = slotforge("solve", tmp_path / name)
        assert ended.returncode == 10, ended.stderr
        lines = ended.stdout.decode().splitlines()
        assert lines[0] == "s SATISFIABLE"
        model = [int(word) for line in lines[1:] for word in line.removeprefix("v ").split()]
        assert model.pop() == 0
        assert check_model(cnf.read(tmp_path / name), model) is None
    assert slotforge("solve", data=SAT).stdout.startswith(b"s SATISFIABLE\nv ")
    assert slotforge("solve", "-", data=UNSAT).returncode == 20


def test_long_models_are_wrapped(tmp_path: Path) -> None:
    cnf.write(cnf.Formula(variables=900, clauses=[[-v] for v in range(1, 901)]), tmp_path / "f.cnf")
    lines = slotforge("solve", tmp_path / "f.cnf").stdout.decode().splitlines()[1:]
    assert max(map(len, lines)) <= 78
    assert [word for line in lines for word in line.split()[1:]] == [*(str(-v) for v in range(1, 901)), "0"]


@pytest.mark.parametrize("options", [[], ["--binary-proof"]])
def test_proofs_are_written_through_the_sandbox(options: list[str], tmp_path: Path) -> None:
    cnf.write(families.generate("tseitin:nodes=12", 0, 0), tmp_path / "f.cnf")
    ended = slotforge(
        "solve", tmp_path / "f.cnf", "--proof", tmp_path / "proof", *options, "--heuristics", "restart_due=Luby"
    )
    assert (ended.returncode, ended.stdout) == (20, b"s UNSATISFIABLE\n")
    assert check_proof(tmp_path / "f.cnf", tmp_path / "proof").verified


def test_limits_end_in_unknown_with_the_reason(hard: Path) -> None:
    for limit in (["--conflict-limit", "10"], ["--tick-limit", "1000"], ["--time-limit", "0.3"]):
        ended = slotforge("solve", hard, *limit, "--seed", "3", "--stats")
        lines = ended.stdout.decode().splitlines()
        assert (ended.returncode, lines[-1]) == (0, "s UNKNOWN"), ended.stderr
        assert (
            lines[-2]
            == f"c stopped by: {limit[0].split('-')[2].replace('conflict', 'conflicts').replace('tick', 'ticks')}"
        )
        assert any(line.startswith("c conflicts ") for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_in_unknown_with_statistics(number: signal.Signals, hard: Path) -> None:
    with subprocess.Popen(
        [*MAIN, "solve", str(hard), "--stats"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        _wait_for_engine(running.pid)
        running.send_signal(number)
        output, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, b"")
    lines = output.decode().splitlines()
    assert lines[-2:] == ["c stopped by: interrupt", "s UNKNOWN"]
    assert any(line.startswith("c conflicts ") for line in lines)


def _wait_for_engine(pid: int) -> None:
    """Wait until a process two generations below has worked for a while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        below = [pid]
        for _ in range(3):
            below = [
                int(c)
                for p in below
                for t in Path(f"/proc/{p}/task").iterdir()
                for c in (t / "children").read_text().split()
            ]
        if below and int(Path(f"/proc/{below[0]}/stat").read_text().rsplit(")")[1].split()[11]) > 20:
            return
        time.sleep(0.05)
    raise AssertionError("the engine has not started")


def test_heuristics_that_loop_or_crash_end_in_one_line(tmp_path: Path, hard: Path) -> None:
    (tmp_path / "loops.hpp").write_text(LOOPS)
    ended = slotforge("solve", hard, "--heuristics", tmp_path / "loops.hpp", "--time-limit", "0.1")
    assert (ended.returncode, ended.stdout.decode().splitlines()[-1]) == (0, "s UNKNOWN")
    (tmp_path / "crashes.hpp").write_text(CRASHES)
    ended = slotforge("solve", hard, "--heuristics", tmp_path / "crashes.hpp")
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert b"the engine crashed" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["BROKEN"], 1, "BROKEN:2: a literal is expected, not 'x'"),
        (["/no/such.cnf"], 1, "/no/such.cnf: cannot be read: No such file or directory"),
        (["GOOD", "--heuristics", "nothing"], 2, "names no heuristics"),
        (["GOOD", "--heuristics", "/no/such.hpp"], 2, "/no/such.hpp: no such heuristics file"),
        (["GOOD", "--heuristics", "BROKEN"], 1, "holds no policy"),
        (["GOOD", "--heuristics", "abcdef0123"], 2, "no candidate 'abcdef0123'"),
        (["GOOD", "--time-limit", "soon"], 2, "is no time"),
    ],
)  # fmt: skip
def test_bad_use_is_one_line_that_says_what_is_wrong(words: list[str], code: int, message: str, tmp_path: Path) -> None:
    (tmp_path / "BROKEN").write_bytes(b"p cnf 2 1\n1 x 0\n")
    (tmp_path / "GOOD").write_bytes(SAT)
    places = [str(tmp_path / word) if word in ("BROKEN", "GOOD") else word for word in words]
    ended = slotforge("solve", *places)
    assert (ended.returncode, ended.stdout) == (code, b"")
    assert message in ended.stderr.decode()
    assert "Traceback" not in ended.stderr.decode()


def test_a_proof_does_not_go_where_the_answer_goes() -> None:
    ended = slotforge("solve", "-", "--proof", "-", data=b"p cnf 1 1\n1 0\n")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"name a file for the proof" in ended.stderr


def test_a_proof_is_never_written_over_the_formula(tmp_path: Path) -> None:
    formula, content = tmp_path / "f.cnf", b"p cnf 1 1\n1 0\n"
    formula.write_bytes(content)
    (tmp_path / "g.cnf").hardlink_to(formula)
    for named in (formula, tmp_path / "g.cnf"):
        ended = slotforge("solve", formula, "--proof", named)
        assert (ended.returncode, ended.stdout) == (2, b"")
        assert b"is the formula: name another file for the proof" in ended.stderr
        assert formula.read_bytes() == content


def test_a_proof_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    ended = slotforge("solve", "-", "--proof", tmp_path / "no" / "proof", data=b"p cnf 1 1\n1 0\n")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"No such file or directory: name another file for the proof" in ended.stderr


def test_generated_files_say_what_they_are_and_are_the_same_each_time(tmp_path: Path) -> None:
    first = slotforge("generate", "tseitin:12", "--seed", "3", "--count", "2", "--out", tmp_path / "a", "--json")
    slotforge("generate", "tseitin", "--size", "12", "--seed", "3", "--count", "2", "--out", tmp_path / "b")
    written = json.loads(first.stdout)
    assert [Path(facts["file"]).name for facts in written] == [f"tseitin-12-s3-000{i}.unsat.cnf" for i in range(2)]
    for facts in written:
        path = Path(facts["file"])
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        formula = cnf.read(path)
        assert (facts["variables"], facts["clauses"]) == (formula.variables, len(formula.clauses))
        assert formula.clauses == families.generate("tseitin:12", 3, written.index(facts)).clauses
    for wrong in (["nothing"], ["tseitin", "--size", "gravity=1"]):
        ended = slotforge("generate", *wrong, "--out", tmp_path / "c")
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


CHOSEN = Candidate(domain="sat", slots=heuristics.builtin("restart_due=Luby:unit=64"))
ONE = {"ratio": 0.8, "low": 0.7, "high": 0.9, "p": 0.001, "instances": 12, "verdict": "better", "cpu_ratio": 0.81}


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    """A store with a run of two trials, and a verdict."""
    opened = open_store(tmp_path / "store.db")
    run = opened.create_run(
        RunConfig(domain="sat", instances=("miter:8",), seed=9), Suite(search=(), select=(), holdout=()), {}
    )
    baseline = Candidate(domain="sat")
    prompt = Prompt(operator="fresh", messages=(("system", "be brief"), ("user", "an idea?")))
    call = Call(stage="propose", prompt=prompt, completion=Completion(text="Luby", model="m", input_tokens=5))
    measured = Measurement(
        candidate=CHOSEN.id, instance="i", family="miter:8", seed=0, outcome=Outcome.SOLVED, cost=1.0, cpu_s=0.1
    )
    common = {"run": run, "slots": ("restart_due",), "state": TrialState.SCORED}
    opened.record(Trial(**common, number=0, operator="baseline", parents=(), candidate=baseline, ratio=1.0))
    opened.record_call(run, 1, call)
    opened.record(
        Trial(**common, number=1, operator="fresh", parents=(baseline.id,), candidate=CHOSEN, ratio=0.75, calls=(call,),
              measurements=(measured,))
    )  # fmt: skip
    verdict = Verdict(**ONE, families={"miter:8": FamilyVerdict(**ONE)}, proofs=7, models=5)  # type: ignore[arg-type]
    opened.record_verdict(run, Held(candidate=CHOSEN, against=baseline, verdict=verdict))
    controls = {"best_builtin": {"candidate": "x", "name": "decay=Chaff", "ratio": 0.95, "low": 0.9, "high": 1.0}}
    opened.finish(run, "finished", {"controls": controls})
    opened.flush()
    return opened


def test_exports_carry_what_the_store_knows_and_are_recorded(store: SqlStore, tmp_path: Path) -> None:
    out = tmp_path / "found.hpp"
    ended = slotforge("export", CHOSEN.id[:8], "--as", "cpp", "--out", out, "--store", tmp_path / "store.db")
    assert (ended.returncode, ended.stdout.decode()) == (0, f"{out}\n"), ended.stderr
    text = out.read_text()
    assert heuristics.read(out) == CHOSEN.slots
    for fact in (
        "trial: 1", "operator: fresh", "instances: miter:8", "seed: 9",
        "better: ratio 0.800, 95 % interval 0.700 to 0.900",
        "best_builtin: decay=Chaff: ratio 0.950", "answers: 5 models checked, 7 proofs checked",
        f"candidate: {CHOSEN.id}",
    ):  # fmt: skip
        assert fact in text
    assert [artefact.kind for artefact in queries.show_candidate(store, CHOSEN.id).artefacts] == ["cpp"]
    solved = slotforge("solve", "--heuristics", CHOSEN.id, "--store", tmp_path / "store.db", data=SAT)
    assert solved.returncode == 10
    with Solver([[1, 2]], heuristics=CHOSEN.id[:8], store=str(tmp_path / "store.db")) as solver:
        assert solver.solve() is True


def test_a_run_is_exported_as_a_replay_file(store: SqlStore, tmp_path: Path) -> None:
    run = queries.runs(store)[0].id
    ended = slotforge("export", run, "--as", "replay", "--out", tmp_path / "f.jsonl", "--store", tmp_path / "store.db")
    assert ended.returncode == 0, ended.stderr
    (line,) = (tmp_path / "f.jsonl").read_text().splitlines()
    assert json.loads(line)["answer"] == "Luby"


def test_exports_of_what_is_not_in_the_store_say_so(tmp_path: Path) -> None:
    words = ["--out", tmp_path / "f.py", "--store", tmp_path / "new.db"]
    ended = slotforge("export", "restart_due=Luby", "--as", "python", *words)
    assert ended.returncode == 0, ended.stderr
    assert "# - history: none" in (tmp_path / "f.py").read_text()
    assert os.access(tmp_path / "f.py", os.R_OK)
    for wrong, code in (
        (["baseline", "--as", "pdf"], 2),
        (["abcdef", "--as", "cpp"], 2),
        (["abcdef", "--as", "replay"], 2),
    ):
        ended = slotforge("export", *wrong, *words)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (code, 1), ended.stderr


@pytest.fixture
def path_with_slotforge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program `slotforge` on PATH, and the programs beside this Python."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "slotforge").write_text(f'#!/bin/sh\nexec {shlex.join(MAIN)} "$@"\n')
    (programs / "slotforge").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), sysconfig.get_path("scripts"), os.environ["PATH"]]))


@pytest.mark.usefixtures("path_with_slotforge")
def test_the_page_on_plug_ins_runs_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "plug-in.md").read_text()
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    python = "\n".join(code for language, code in blocks if language == "python")
    shell = "\n".join(code for language, code in blocks if language == "bash")
    for command in (["sh", "-euc", shell], [sys.executable, "-c", python]):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr


@pytest.mark.usefixtures("path_with_slotforge")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_run(example: Path, tmp_path: Path) -> None:
    interpreter = sys.executable if example.suffix == ".py" else "sh"
    ended = subprocess.run([interpreter, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
