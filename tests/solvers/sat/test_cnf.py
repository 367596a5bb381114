"""Reading and writing of CNF files."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import FormulaError
from slotforge.solvers.sat import cnf
from slotforge.testing.quickest import quickest

REAL_FILES = Path(__file__).resolve().parents[4] / "shared" / "data" / "cnf"

clauses = st.lists(st.lists(st.integers(-300, 300).filter(bool), max_size=6), max_size=30)
junk = st.lists(
    st.sampled_from(["p cnf 3 2\n", "1 ", "-2 ", "0 ", "0\n", "\n", "c x\n", "%\n", "-", "x", "\r\n", "00 7"])
)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


def parse(text: str | bytes, **options: int) -> tuple[cnf.Formula, list[str]]:
    warnings: list[str] = []
    data = text.encode() if isinstance(text, str) else text
    return cnf.read(io.BytesIO(data), name="f", warnings=warnings, **options), warnings


@given(clauses, st.integers(0, 5))
def test_what_is_written_is_read_back(written: list[list[int]], unused: int) -> None:
    used = max((abs(literal) for clause in written for literal in clause), default=0)
    formula = cnf.Formula(variables=used + unused, clauses=written)
    read, warnings = parse(cnf.to_dimacs(formula))
    assert read == formula
    assert warnings == []
    assert cnf.content_hash(read) == cnf.content_hash(formula)


@given(clauses, st.randoms(use_true_random=False))
def test_layout_and_comments_do_not_matter(written: list[list[int]], rng: random.Random) -> None:
    words = [str(literal) for clause in written for literal in (*clause, 0)]
    text = "p cnf 300 1\n" + "".join(
        word + rng.choice([" ", "\n", "\t", "\r\n", "\nc 1 x 0\n", "\n \n"]) for word in words
    )
    assert parse(text)[0].clauses == written


@given(st.one_of(st.binary(max_size=60), junk.map("".join).map(str.encode)))
def test_any_bytes_are_a_formula_or_a_formula_error(data: bytes) -> None:
    for content in (data, b"\x1f\x8b" + data, b"\xfd7zXZ\x00" + data, b"BZh9" + data):
        with contextlib.suppress(FormulaError):
            formula = parse(content)[0]
            assert all(
                literal and abs(literal) <= formula.variables for clause in formula.clauses for literal in clause
            )


def fault(text: str) -> str | None:
    try:
        parse(text)
    except FormulaError as error:
        return str(error)
    return None


@given(junk.map("".join))
def test_a_refused_file_has_a_first_fault_that_can_be_named(text: str) -> None:
    message = fault(text)
    assert message is None or re.match(r"f:[1-9]\d*: ", message)


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_compressed_files_are_told_by_content(kind: str, tmp_path: Path) -> None:
    compress = COMPRESSIONS[kind]
    file = tmp_path / "plain.cnf"
    file.write_bytes(compress(b"p cnf 2 2\n1 2 0\n") + compress(b"-1 0\n"))
    assert cnf.is_compressed(file)
    assert cnf.read(file) == cnf.Formula(variables=2, clauses=[[1, 2], [-1]])
    file.write_bytes(compress(b"1 0\n" * 1000)[:-9])
    with pytest.raises(FormulaError, match=r"plain\.cnf: cannot be read"):
        cnf.read(file)


def test_padding_between_xz_streams_is_skipped() -> None:
    assert parse(lzma.compress(b"1 0\n") + bytes(8) + lzma.compress(b"2 0\n") + bytes(4))[0].clauses == [[1], [2]]


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_bomb_is_refused_before_it_fills_the_memory(kind: str) -> None:
    bomb = COMPRESSIONS[kind](b"1 0\n" * 2**20)
    with pytest.raises(FormulaError, match="f: holds more than 1000000 bytes"):
        parse(bomb, limit=10**6)
    assert len(parse(bomb, limit=2**22)[0].clauses) == 2**20


def test_a_plain_file_beyond_the_limit_is_refused() -> None:
    with pytest.raises(FormulaError, match="holds more than 10 bytes"):
        parse("1 2 3 4 5 0\n", limit=10)


def test_an_xz_file_that_needs_too_much_memory_is_refused() -> None:
    file = bytearray(lzma.compress(b"1 0\n"))
    file[file.index(b"\x21\x01") + 2] = 37  # in the header of the block: a dictionary of 1.5 GiB
    file[20:24] = zlib.crc32(file[12:20]).to_bytes(4, "little")
    with pytest.raises(FormulaError, match=r"[Mm]emory usage limit"):
        parse(bytes(file))


def test_tolerated_departures_are_warned_of() -> None:
    assert parse("1 -3 0\n") == (
        cnf.Formula(variables=3, clauses=[[1, -3]]),
        ["f: the header 'p cnf VARIABLES CLAUSES' is missing"],
    )
    assert parse("p cnf 1 7\n1 -3 0\n") == (
        cnf.Formula(variables=3, clauses=[[1, -3]]),
        ["f: the header states 1 variables, the clauses use 3", "f: the header states 7 clauses, the file holds 1"],
    )


def test_competition_practice() -> None:
    text = "c top\n\n  c p cnf 9 9\n p  cnf\t4 5 \r\n1\n2 0 -1 0\r\ncomment\n0\t1 1 -2 0 3 -3\nc x\n0\n%\n0\n"
    formula, warnings = parse(text)
    assert formula == cnf.Formula(variables=4, clauses=[[1, 2], [-1], [], [1, 1, -2], [3, -3]])
    assert warnings == []
    assert parse("p cnf 0 0\n")[0] == cnf.Formula(variables=0, clauses=[])
    assert parse("1 0\n2 0")[0].clauses == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1: neither a header 'p cnf VARIABLES CLAUSES' nor a clause: not a DIMACS CNF file"),
        ("c only\n", "f:1: neither a header 'p cnf VARIABLES CLAUSES' nor a clause: not a DIMACS CNF file"),
        ("<html>\n", "f:1: a literal is expected, not '<html>'"),
        ("p cnf 1 1\n\n1 x 0\n", "f:3: a literal is expected, not 'x'"),
        ("p cnf 1 1\n1 c x\n0\n", "f:2: a literal is expected, not 'c'"),
        ("p cnf 1 1\n1 2-3 0\n", "f:2: a literal is expected, not '2-3'"),
        ("p cnf 1 1\n1 -0\n", "f:2: a literal is expected, not '-0'"),
        ("p cnf 1 1\n1 - 2 0\n", "f:2: a literal is expected, not '-'"),
        ("p cnf 1 1\n1.5 0\n", "f:2: a literal is expected, not '1.5'"),
        ("1 \x00 0\n", "f:1: a literal is expected, not '\\x00'"),
        ("p cnf 1\n1 0\n", "f:1: the header is one line 'p cnf VARIABLES CLAUSES' before the clauses"),
        ("c\np cnf 1 1\np cnf 1 1\n", "f:3: the header is one line 'p cnf VARIABLES CLAUSES' before the clauses"),
        ("1 0\np cnf 1 1\n", "f:2: the header is one line 'p cnf VARIABLES CLAUSES' before the clauses"),
        ("p cnf 3 1\n1 0\nc\n2 3\n", "f:4: the last clause is not ended by 0"),
        ("268435455 0\n-268435456 0\n", "f:2: a variable is at most 268435455"),
        ("99999999999999999999999 0\n", "f:1: a variable is at most 268435455"),
        ("c\np cnf 268435456 1\n1 0\n", "f:2: a variable is at most 268435455"),
    ],
)
def test_a_broken_file_gets_line_and_reason(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.cnf"):
        with pytest.raises(FormulaError, match=f"^{path}: cannot be read: "):
            cnf.read(path)


def test_standard_input_is_a_source() -> None:
    program = "from slotforge.solvers.sat import cnf; print(list(cnf.read('-').clauses))"
    done = subprocess.run([sys.executable, "-c", program], input=gzip.compress(b"1 -2 0\n0\n"), capture_output=True)
    assert done.stdout == b"[[1, -2], []]\n", done.stderr


def test_a_clause_array_is_a_sequence_of_lists() -> None:
    plain = [[1, -2], [], [3]]
    array = parse("1 -2 0 0 3 0\n")[0].clauses
    assert isinstance(array, cnf.ClauseArray)
    assert (len(array), array[0], array[-1], array[1:], list(reversed(array))) == (
        3,
        [1, -2],
        [3],
        plain[1:],
        plain[::-1],
    )
    assert array == plain
    assert plain == array
    assert array == cnf.ClauseArray(cnf.flatten([(1, -2), (), (3,)]))
    assert array != [[1, -2], [3]]
    with pytest.raises(IndexError):
        array[3]
    many = [[i] * (i % 3) for i in range(1, 150_000)]
    assert list(cnf.ClauseArray(cnf.flatten(many))) == many


def test_the_content_hash_follows_the_clauses_alone(tmp_path: Path) -> None:
    cnf.write(cnf.Formula(variables=2, clauses=[(1, -2), (2,)]), tmp_path / "a")
    (tmp_path / "b").write_bytes(gzip.compress(b"c other\np cnf 9 2\n1\n-2 0 2 0\n"))
    names = {cnf.content_hash(cnf.read(tmp_path / name)) for name in "ab"}
    others = {
        cnf.content_hash(cnf.Formula(variables=2, clauses=c)) for c in ([(1, -2, 2)], [(2,), (1, -2)], [(1,), (-2, 2)])
    }
    assert len(names) == 1
    assert len(names | others) == 4
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_a_million_clauses_are_read_in_seconds() -> None:
    rng = np.random.default_rng(1)
    literals = rng.integers(1, 200_001, (2**20, 3)) * rng.choice([-1, 1], (2**20, 3))
    flat = np.pad(literals, ((0, 0), (0, 1))).ravel().astype(np.int32)
    text = cnf.to_dimacs(cnf.Formula(variables=200_000, clauses=cnf.ClauseArray(flat)))
    assert parse(text)[0].clauses == cnf.ClauseArray(flat)
    assert quickest(lambda: parse(text)) < 2.5


def test_real_files_are_read_without_a_warning() -> None:
    files = sorted(REAL_FILES.glob("*.cnf*"))
    if not files:
        pytest.skip(f"no CNF files in {REAL_FILES}")
    for file in files:
        warnings: list[str] = []
        formula = cnf.read(file, warnings=warnings)
        assert warnings == []
        assert len(formula.clauses) > 0
