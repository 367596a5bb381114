"""What is exported works without what exported it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import BuildError, FormulaError, SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.sat import Solver, cnf, heuristics
from slotforge.solvers.sat.build import ENGINE, SLOTS, Builder
from slotforge.solvers.sat.export import export, kinds
from slotforge.solvers.sat.slot import slots

CANDIDATE = Candidate(domain="sat", slots=heuristics.builtin("restart_due=Luby:unit=64,decay=EasySat"))
PROVENANCE: dict[str, Any] = {
    "candidate": CANDIDATE.id,
    "found by": {"run": "0123456789", "trial": 7, "instances": ["miter:8", "dir with\nnewline \\"]},
    "verdict": {"ratio": 0.81234567, "interval": "0.7 to 0.9", "none": None, "empty": {}},
}


@pytest.fixture(scope="module")
def builder(builds: Path) -> Builder:
    return Builder(builds)


pytestmark = pytest.mark.usefixtures("home_of_builds")


def test_the_header_says_where_it_comes_from_and_gives_the_policies_back(tmp_path: Path, builder: Builder) -> None:
    out = export(CANDIDATE, "cpp", tmp_path / "new" / "found.hpp", PROVENANCE, builder)
    text = out.read_text()
    assert heuristics.read(out) == CANDIDATE.slots
    assert f"// slotforge candidate {CANDIDATE.id}: decay, restart_due" in text
    for line in ("- trial: 7", "- ratio: 0.8123", "- instances: miter:8, dir with newline"):
        assert line in text
    with Solver([[1]], heuristics=out) as solver:
        assert solver.solve() is True


def test_the_header_compiles_by_itself_without_warnings(tmp_path: Path, builder: Builder) -> None:
    out = export(CANDIDATE, "cpp", tmp_path / "found.hpp", PROVENANCE, builder)
    unit = tmp_path / "unit.cpp"
    unit.write_text(f'#include "{out.name}"\nheuristics::restart_due::Luby luby;\nheuristics::decay::EasySat decay;\n')
    flags = [
        "-std=c++20",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-fsyntax-only",
        "-I",
        str(ENGINE / "include"),
    ]
    subprocess.run([builder.compiler.path, *flags, "-I", str(SLOTS.parent), str(unit)], check=True)


def test_the_solver_is_whole_and_passes_its_own_test(tmp_path: Path, builder: Builder) -> None:
    out = export(CANDIDATE, "solver", tmp_path / "solver", PROVENANCE, builder)
    assert heuristics.read(out / "heuristics.hpp") == CANDIDATE.slots
    assert "- run: 0123456789" in (out / "PROVENANCE.md").read_text()
    alone = {"env": {"PATH": "/usr/bin:/bin"}, "cwd": "/", "capture_output": True, "text": True}
    tested = subprocess.run(["sh", str(out / "test.sh")], check=False, **alone)  # type: ignore[call-overload]
    assert (tested.returncode, tested.stdout, tested.stderr) == (0, "passed\n", "")
    listed = subprocess.run([str(out / "solver"), "--help"], check=True, **alone)  # type: ignore[call-overload]
    assert "--proof" in listed.stdout
    packed = re.findall(r"\.(?:gz|xz|bz2|zst)\b", listed.stdout)
    assert re.findall(r"\.(?:gz|xz|bz2|zst)\b", (out / "PROVENANCE.md").read_text()) == packed
    (out / "solver").write_text("#!/bin/sh\necho 's UNKNOWN'\n")
    assert subprocess.run(["sh", str(out / "test.sh")], check=False, **alone).returncode == 1  # type: ignore[call-overload]
    export(CANDIDATE, "solver", out, PROVENANCE, builder)
    (out / "thesis.tex").touch()
    with pytest.raises(UsageError, match="exists"):
        export(CANDIDATE, "solver", out, PROVENANCE, builder)


FILES = {
    "nothing": "",
    "blanks and comments alone": "c cut\n\n",
    "a header alone": "p cnf 3 0\n",
    "a header and no more": "p cnf 3 5\n",
    "cut off after two clauses": "p cnf 3 5\n1 2 0\n-1 3 0\n",
    "cut off within a clause": "p cnf 3 5\n1 2 0\n-1 3",
    "cut off within the header": "p cnf 3",
    "too many clauses": "p cnf 1 1\n1 0\n-1 0\n",
    "variables out of range": "p cnf 2 2\n1 -5 0\n3 0\n",
    "both": "p cnf 2 2\n1 -5 0\n",
    "no header": "c hello\n1 2 0\n-1 0\n",
    "no header and an empty clause": "0\n",
    "a late header": "1 0\np cnf 1 1\n",
    "two headers": "p cnf 1 1\np cnf 1 1\n1 0\n",
    "a header over two lines": "p cnf\n1 1\n1 0\n",
    "a clause behind the header": "p cnf 1 1 1 0\n",
    "a comment behind the header": "p cnf 1 1 c\n1 0\n",
    "a comment within a line": "p cnf 2 1\n1 c 2 0\n2 0\n",
    "a comment within a clause": "p cnf 2 1\n1\n c 2\n2 0\nc end",
    "an end mark": "p cnf 1 1\n1 0\n%\n0\n",
    "an end mark within a line": "p cnf 1 1\n1 0 %\n0\n",
    "an end mark alone": "%\n",
    "minus nothing": "p cnf 1 1\n1 -0\n",
    "zeros": "p cnf 1 1\n001 00\n",
    "all is well": "\nc\n p\tcnf 2  2 \r\n1\n2 0 -1\r\n0",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_the_solver_refuses_and_warns_of_what_solve_does(text: str, tmp_path: Path, builder: Builder) -> None:
    file, warned = tmp_path / "formula.cnf", list[str]()
    file.write_text(text)
    refused = False
    try:
        cnf.read(file, warnings=warned)
    except FormulaError:
        refused = True
    solver = builder.fused(CANDIDATE.slots)
    for name, given in ((file, None), ("<stdin>", text)):
        command = [solver, "-" if given is not None else file]
        done = subprocess.run(command, check=False, capture_output=True, text=True, input=given)
        if refused:
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"{name}:")
            assert done.stderr.count("\n") == 1
        else:
            assert done.returncode in (10, 20)
            assert done.stderr.splitlines() == [f"warning: {line.replace(str(file), str(name))}" for line in warned]
            assert {line[0] for line in done.stdout.splitlines()} <= {"s", "v"}


def test_the_solver_answers_no_packed_file_that_is_empty(tmp_path: Path, builder: Builder) -> None:
    for suffix, pack in ((".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)):
        for number, packed in enumerate((b"", pack(b""), pack(b"p cnf 1 1\n1 0\n")[:-5])):
            file = tmp_path / f"{number}.cnf{suffix}"
            file.write_bytes(packed)
            done = subprocess.run([builder.fused(CANDIDATE.slots), file], check=False, capture_output=True, text=True)
            assert (done.returncode, done.stdout) == (1, ""), file
            assert f"{file}:" in done.stderr


def test_the_module_passes_its_own_test(tmp_path: Path, builder: Builder) -> None:
    out = export(CANDIDATE, "python", tmp_path / "found.py", PROVENANCE, builder)
    tested = subprocess.run([sys.executable, str(out)], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (tested.returncode, tested.stdout, tested.stderr) == (0, "passed\n", "")
    made = subprocess.run(
        [sys.executable, "-c", "import found; print(found.HEURISTICS == eval(input()))"],
        check=False, capture_output=True, text=True, cwd=tmp_path, input=repr(dict(CANDIDATE.slots)),
    )  # fmt: skip
    assert made.stdout == "True\n"


def test_a_module_of_any_name_can_be_run(tmp_path: Path, builder: Builder) -> None:
    for name in ("a\\user.py", 'a"""b.py', os.fsdecode(b"caf\xe9.py"), "two\nlines.py"):
        out = export(CANDIDATE, "python", tmp_path / name, PROVENANCE, builder)
        compile(out.read_text(), "module", "exec")


def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path: Path, builder: Builder) -> None:
    broken = Candidate(domain="sat", slots={"decay": "struct A { int operator()() { return x; } };"})
    (tmp_path / "file").touch()
    for candidate, kind, out, error in (
        (CANDIDATE, "pdf", tmp_path / "out", UsageError),
        (broken, "cpp", tmp_path / "out", BuildError),
        (CANDIDATE, "cpp", tmp_path, SlotforgeError),
        (CANDIDATE, "cpp", tmp_path / "file" / "out", SlotforgeError),
        (CANDIDATE, "solver", tmp_path / "file", UsageError),
    ):
        with pytest.raises(error) as caught:
            export(candidate, kind, out, PROVENANCE, builder)
        assert "\n" not in str(caught.value)
    assert sorted(kinds()) == ["cpp", "python", "solver"]
    assert not (tmp_path / "out").exists()


def test_equal_candidates_give_equal_artefacts(tmp_path: Path, builder: Builder) -> None:
    """No dates, no names of machines: an artefact can be compared."""
    for kind in ("cpp", "python"):
        texts = [export(CANDIDATE, kind, tmp_path / str(i) / "same", PROVENANCE, builder).read_text() for i in range(2)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("kind", ["cpp", "python", "solver"])
def test_what_is_somebody_elses_is_not_overwritten(kind: str, tmp_path: Path, builder: Builder) -> None:
    out = tmp_path / "precious"
    if kind == "solver":
        out.mkdir()
        (out / "test.sh").write_text("mine")
    else:
        out.write_text("mine")
    candidate = Candidate(domain="sat", slots={"decay": slots()["decay"].variants["Chaff"]})
    with pytest.raises(UsageError, match="give another --out"):
        export(candidate, kind, out, {}, builder)
    assert "mine" in ((out / "test.sh") if kind == "solver" else out).read_text()


@pytest.mark.parametrize("kind", ["cpp", "python"])
def test_what_was_exported_before_is_replaced(kind: str, tmp_path: Path, builder: Builder) -> None:
    for name in ("Chaff", "EasySat"):
        candidate = Candidate(domain="sat", slots={"decay": slots()["decay"].variants[name]})
        export(candidate, kind, tmp_path / "out", {}, builder)
    assert "EasySat" in (tmp_path / "out").read_text()
