"""Reading formulas: what is accepted, and how what is not is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Solve, dimacs, pigeons

ACCEPTED = {
    "no header": ("1 2 0\n-1 0\n", "sat"),
    "nothing at all": ("", "sat"),
    "header only": ("p cnf 3 0\n", "sat"),
    "too few variables in the header": ("p cnf 1 1\n5 0\n", "sat"),
    "too many clauses in the header": ("p cnf 2 9\n1 2 0\n", "sat"),
    "too few clauses in the header": ("p cnf 2 1\n1 0\n-1 0\n", "unsat"),
    "comments anywhere": ("c a\np cnf 2 2\nc b\n1 c d 0\n2 0\nc e\n-1 0\nc end", "sat"),
    "clauses over lines": ("p cnf 2 2\n1\n2 0 -1\n0\n", "sat"),
    "tabs, carriage returns and blank lines": ("p\tcnf 2  2\r\n\r\n 1\t2 0\r\n-1 0\r\n", "sat"),
    "an empty clause": ("p cnf 1 1\n0\n", "unsat"),
    "a tautology": ("p cnf 1 1\n1 -1 0\n", "sat"),
    "a duplicate literal": ("p cnf 1 2\n1 1 0\n-1 -1 -1 0\n", "unsat"),
    "a duplicate clause": ("p cnf 2 4\n1 2 0\n1 2 0\n-1 0\n-2 0\n", "unsat"),
    "a per cent sign ends it": ("p cnf 1 1\n1 0\n%\n0\n", "sat"),
    "any number of clauses in the header": ("p cnf 2 99999999999\n1 2 0\n", "sat"),
    "no newline at the end": ("p cnf 1 2\n1 0\n-1 0", "unsat"),
}

REFUSED = {
    "a word": ("p cnf 2 1\n1 x 0\n", "2: expected a literal, found 'x'"),
    "a number with a tail": ("p cnf 2 1\n1 2x 0\n", "2: expected a literal, found '2x'"),
    "a lone minus": ("p cnf 2 1\n\n1 - 0\n", "3: expected a literal, found '-'"),
    "another format": ("p wcnf 2 1\n1 0\n", "1: format 'wcnf' is not cnf"),
    "a header without numbers": ("p cnf x\n", "1: expected the number of variables, found 'x'"),
    "a negative header": ("p cnf -1 2\n", "1: a negative number in the header"),
    "two headers": ("p cnf 1 1\np cnf 1 1\n", "2: a second header"),
    "an open clause": ("p cnf 2 1\n1 2\n", "3: the file ends within a clause (no closing 0)"),
    "a huge literal": ("9999999999 0\n", "1: a variable is at most 268435455"),
    "a literal just too large": ("1 0\n-268435456 0\n", "2: a variable is at most 268435455"),
    "a header with too many variables": ("c\np cnf 268435456 1\n1 0\n", "2: a variable is at most 268435455"),
    "bytes": ("\x01\x02\n", "1: expected a literal, found '??'"),
}

PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


@pytest.mark.parametrize(("text", "answer"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_competition_solvers_accept_is_accepted(solve: Solve, text: str, answer: str) -> None:
    assert solve(text).document["answer"] == answer


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_malformed_file_is_refused_with_its_place(engine: Path, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.cnf"
    path.write_text(text)
    done = subprocess.run([str(engine), str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{path}:{reason}\n")


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_are_read(engine: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"formula.cnf{suffix}"
    path.write_bytes(PACKERS[suffix](dimacs(pigeons(4)).encode()))
    assert subprocess.run([str(engine), str(path)], capture_output=True).returncode == 20


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_broken_compressed_file_is_an_error(engine: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"formula.cnf{suffix}"
    path.write_bytes(PACKERS[suffix](dimacs(pigeons(4)).encode())[:-9])
    done = subprocess.run([str(engine), str(path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert str(path) in done.stderr


def test_a_missing_decompressor_is_named(engine: Path, tmp_path: Path) -> None:
    path = tmp_path / "formula.cnf.xz"
    path.write_bytes(lzma.compress(b"1 0\n"))
    done = subprocess.run([str(engine), str(path)], capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "xz is needed to read this file" in done.stderr


def test_a_missing_file_is_an_error(engine: Path, tmp_path: Path) -> None:
    done = subprocess.run([str(engine), str(tmp_path / "none.cnf")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path / 'none.cnf'}: No such file or directory\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["--seed"],
        ["--seed", "x"],
        ["--json=1"],
        ["--time-limit", "-1"],
        ["a.cnf", "b.cnf"],
        ["--slot", "decay"],
        ["--slot", "nothing=Never"],
        ["--slot", "decay=Nothing"],
        ["--slot", "decay=/nothing.so"],
        ["--param", "decay.factor"],
        ["--param", "decay.nothing=1"],
        ["--param", "decay.factor=nan"],
        ["--proof", "/nothing/proof"],
        ["--proof", "/dev/null", "--proof-fd", "2"],
    ],
)
def test_a_wrong_command_line_is_one_clear_line(engine: Path, arguments: list[str]) -> None:
    done = subprocess.run([str(engine), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
