"""A CNF file that streams by is judged as one that is read as a whole."""

from __future__ import annotations

import io
import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import FormulaError
from slotforge.solvers.sat import cnf, scan

WORDS = [
    "1",
    "-2",
    "3",
    "0",
    "0",
    "00",
    "-0",
    "7x",
    "c",
    "cat",
    "p",
    "%",
    "p cnf 3 2",
    "268435456",
    "9" * 30,
    "-",
    "--1",
]
texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", "\n", "\n", "  ", "\t", "\r\n"]))).map(
    lambda pairs: "".join(word + blank for word, blank in pairs)
)
clauses = st.lists(st.lists(st.integers(-9, 9).filter(bool), max_size=5), max_size=30)


def scanned(data: bytes, cuts: list[int]) -> scan.Facts:
    scanner = scan.Scanner("f")
    bounds = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(bounds):
        scanner.feed(data[start:end])
    return scanner.close()


def judged(data: bytes, cuts: list[int]) -> None:
    """Hold the scanner against `cnf.read`: the same facts, or the same complaint about the same line."""
    said: list[str] = []
    told = ""
    try:
        formula = cnf.read(io.BytesIO(data), name="f", warnings=said)
    except FormulaError as error:
        told = str(error)
    if told:
        same = ".*is not ended by 0" if "is not ended by 0" in told else f"{re.escape(told)}$"
        with pytest.raises(FormulaError, match=same):
            scanned(data, cuts)
        return
    facts = scanned(data, cuts)
    assert (facts.variables, facts.clauses) == (formula.variables, len(formula.clauses))
    assert facts.literals == sum(map(len, formula.clauses))
    assert facts.formula == cnf.content_hash(formula)
    assert list(facts.warnings) == said


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> object:
    """Let the scanner work in pieces of a few bytes, so that cuts fall everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "CHUNK", 64)
        patch.setattr(scan, "LONGEST_WORD", 40)
        yield


@given(text=texts, cuts=st.lists(st.integers(0, 10**6), max_size=8))
@settings(max_examples=400, deadline=None)
def test_any_text_in_any_pieces_is_judged_as_by_the_reader(text: str, cuts: list[int]) -> None:
    judged(text.encode(), cuts)


@given(formula=clauses, cuts=st.lists(st.integers(0, 10**6), max_size=20), blank=st.sampled_from([" ", "\n", "\t"]))
@settings(max_examples=150, deadline=None)
def test_any_formula_in_any_pieces_has_its_facts(formula: list[list[int]], cuts: list[int], blank: str) -> None:
    body = blank.join(str(word) for clause in formula for word in (*clause, 0))
    judged(f"c a comment that is longer than a piece {'x' * 90}\np cnf 9 {len(formula)}\n{body}\n".encode(), cuts)


@pytest.mark.parametrize("begin", ["", "c x\n\n", "p cnf 3 1\n"])
@pytest.mark.parametrize("fault", ["1 2 x 0", "1 2 -", "p cnf 3 3", "1 268435456 0", "1 " * 60 + "y 0", "z" * 70])
def test_a_fault_is_told_with_its_line(begin: str, fault: str) -> None:
    if not begin and fault.startswith("p"):
        return
    data = f"{begin}1 0\n{'2 0' * 1}\n{fault}\n3 0\n".encode()
    with pytest.raises(FormulaError, match=rf"^f:{begin.count(chr(10)) + 3}: "):
        scanned(data, [3, 5, 40, 41, 90])


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (scan.Most(variables=8), "f:1: more than 8 variables"),
        (scan.Most(clauses=2), "f:1: more than 2 clauses"),
        (scan.Most(literals=4), "f:4: more than 4 literals"),
    ],
)
def test_a_formula_beyond_a_limit_is_refused(most: scan.Most, told: str) -> None:
    scanner = scan.Scanner("f", most)
    with pytest.raises(FormulaError, match=f"^{re.escape(told)}, which is the limit here$"):
        scanner.feed(b"p cnf 9 3\n1 2 0\n3 4 0\n5 0\n" + b"\n" * 64)


def test_what_a_header_states_falsely_is_counted_all_the_same() -> None:
    scanner = scan.Scanner("f", scan.Most(variables=5))
    with pytest.raises(FormulaError, match="more than 5 variables"):
        scanner.feed(b"p cnf 1 1\n6 0\n" + b"1 0\n" * 40)


@pytest.mark.parametrize("long", [b"1 " * 2**22, b"c" * 2**23 + b"\n", b" " * 2**23])
def test_a_line_without_end_takes_no_memory(long: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "CHUNK", 1 << 18)
    scanner = scan.Scanner("f")
    scanner.feed(b"p cnf 1 1\n")
    tracemalloc.start()
    for start in range(0, len(long), 2**16):
        scanner.feed(long[start : start + 2**16])
    scanner.feed(b" 1 0\n")
    assert scanner.close().clauses == 1
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()
