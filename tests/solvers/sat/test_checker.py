"""slotforge-drat against proofs of real solvers, handmade extended resolution, and a naive checker."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pysat.solvers import Solver

from slotforge.solvers.sat import cnf, verify

Clause = tuple[int, ...]
Step = tuple[bool, Clause]  # deletion, literals
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(formula: str | list[Clause], proof: str | bytes, *options: str) -> subprocess.CompletedProcess[str]:
        formula_file, proof_file = tmp_path / "f.cnf", tmp_path / "p.drat"
        formula_file.write_text(formula if isinstance(formula, str) else dimacs(formula))
        proof_file.write_bytes(proof.encode() if isinstance(proof, str) else proof)
        command = [str(verify.proof_checker()), str(formula_file), str(proof_file), *options]
        return subprocess.run(command, capture_output=True, text=True)

    return run


def dimacs(clauses: list[Clause]) -> str:
    variables = max((abs(literal) for clause in clauses for literal in clause), default=0)
    return cnf.to_dimacs(cnf.Formula(variables=variables, clauses=clauses)).decode()


def text(steps: list[Step]) -> str:
    return "".join(" ".join([*["d"] * deletion, *map(str, clause), "0"]) + "\n" for deletion, clause in steps)


def binary(steps: list[Step]) -> bytes:
    encoded = bytearray()
    for deletion, clause in steps:
        encoded += b"d" if deletion else b"a"
        for literal in (*clause, 0):
            number = 2 * abs(literal) + (literal < 0)
            while number > 127:
                encoded.append(number & 127 | 128)
                number >>= 7
            encoded.append(number)
    return bytes(encoded)


def solved(clauses: list[Clause], solver: str = "cadical153") -> list[Step] | None:
    """Return the steps of a refutation, or None for a satisfiable formula."""
    with Solver(name=solver, bootstrap_with=clauses, with_proof=True) as instance:
        if instance.solve():
            return None
        lines = [line.split() for line in instance.get_proof()]
    return [(words[0] == "d", tuple(int(word) for word in words if word not in ("d", "0"))) for words in lines if words]


def random_formula(rng: random.Random, variables: int, ratio: float = 4.9, width: int = 3) -> list[Clause]:
    names = range(1, variables + 1)
    return [
        tuple(name * rng.choice((-1, 1)) for name in rng.sample(names, width)) for _ in range(int(ratio * variables))
    ]


def parity(rng: random.Random, variables: int) -> list[Clause]:
    """Two orders of one sum of all variables that disagree (cut into sums of three)."""
    clauses: list[Clause] = []
    last = variables
    for wanted in (0, 1):
        order = rng.sample(range(1, variables + 1), variables)
        total = order[0]
        for name in order[1:]:
            last += 1
            clauses += exclusive_or((total, name, last), 0)
            total = last
        clauses.append((total if wanted else -total,))
    return clauses


def exclusive_or(names: Clause, wanted: int) -> list[Clause]:
    signs = itertools.product((1, -1), repeat=len(names))
    return [
        tuple(name * sign for name, sign in zip(names, choice, strict=True))
        for choice in signs
        if choice.count(-1) % 2 != wanted
    ]


def pigeons(holes: int) -> tuple[list[Clause], list[Step]]:
    """The pigeonhole formula and Cook's polynomial refutation of it by extended resolution (SIGACT News 1976)."""
    numbers = itertools.count(1)
    sits = {(i, j): next(numbers) for i in range(holes + 1) for j in range(holes)}
    formula: list[Clause] = [tuple(sits[i, j] for j in range(holes)) for i in range(holes + 1)]
    formula += [
        (-sits[i, j], -sits[k, j]) for j in range(holes) for i, k in itertools.combinations(range(holes + 1), 2)
    ]
    proof: list[Step] = []
    for n in range(holes - 1, 0, -1):  # from holes 0..n to holes 0..n-1
        cells = list(itertools.product(range(n + 1), range(n)))
        fewer = {cell: next(numbers) for cell in cells}
        lemmas: list[Clause] = []
        for i, j in cells:
            q, p, last_hole, last_pigeon = fewer[i, j], sits[i, j], sits[i, n], sits[n + 1, j]
            lemmas += [(q, -p), (q, -last_hole, -last_pigeon), (-q, p, last_hole), (-q, p, last_pigeon)]
        lemmas += [tuple(fewer[i, j] for j in range(n)) for i in range(n + 1)]
        for j in range(n):
            for i, k in itertools.combinations(range(n + 1), 2):
                lemmas += [(-fewer[i, j], -fewer[k, j], -sits[i, j]), (-fewer[i, j], -fewer[k, j])]
        proof += [(False, lemma) for lemma in lemmas]
        sits = fewer
    return formula, [*proof, (False, ())]


def naive(formula: list[Clause], steps: list[Step]) -> bool:
    """Check forward, without watches: each lemma up to the first conflict is RUP or RAT on its first literal."""
    clauses = [frozenset(clause) for clause in formula]
    for deletion, lemma in steps:
        root = closure(clauses, set())
        if root is None:
            return True
        if deletion:
            erase(clauses, frozenset(lemma), root)
        elif closure(clauses, {-literal for literal in lemma}) is not None and not is_rat(clauses, lemma):
            return False
        else:
            clauses.append(frozenset(lemma))
    return closure(clauses, set()) is None


def is_rat(clauses: list[frozenset[int]], lemma: Clause) -> bool:
    negated = {-literal for literal in lemma}
    resolvents = [clause - {-lemma[0]} for clause in clauses if lemma and -lemma[0] in clause]
    return bool(lemma) and all(closure(clauses, negated | {-x for x in rest}) is None for rest in resolvents)


def erase(clauses: list[frozenset[int]], clause: frozenset[int], root: set[int]) -> None:
    others = [other for other in clauses if other != clause] + [clause] * (clauses.count(clause) - 1)
    if clause in clauses and len(clause) > 1 and closure(others, set()) == root:
        clauses.remove(clause)


def closure(clauses: list[frozenset[int]], true: set[int]) -> set[int] | None:
    """Return what unit propagation makes true, or None for a conflict."""
    true = set(true)
    if any(-literal in true for literal in true):
        return None
    changed = True
    while changed:
        changed = False
        for clause in clauses:
            if clause & true:
                continue
            free = [literal for literal in clause if -literal not in true]
            if not free:
                return None
            if len(free) == 1:
                true.add(free[0])
                changed = True
    return true


def mutations(rng: random.Random, steps: list[Step]) -> Iterator[list[Step]]:
    """Yield the proof with a step left out, a literal flipped, a literal left out, and its end cut off."""
    i = rng.randrange(len(steps))
    yield steps[:i] + steps[i + 1 :]
    yield steps[:i]
    i = rng.choice([i for i, (_, clause) in enumerate(steps) if clause])
    deletion, clause = steps[i]
    j = rng.randrange(len(clause))
    yield [*steps[:i], (deletion, (*clause[:j], -clause[j], *clause[j + 1 :])), *steps[i + 1 :]]
    yield [*steps[:i], (deletion, clause[:j] + clause[j + 1 :]), *steps[i + 1 :]]


def drat_trim() -> str:
    found = os.environ.get("DRAT_TRIM") or shutil.which("drat-trim")
    if not found:
        pytest.skip("drat-trim is neither on PATH nor named by DRAT_TRIM")
    return found


@pytest.mark.parametrize("solver", ["cadical153", "glucose4", "lingeling"])
def test_proofs_of_other_solvers_are_verified_as_text_and_as_binary(check: Check, solver: str) -> None:
    rng = random.Random(1)
    formulas = [random_formula(rng, n) for n in (20, 60, 120)] + [pigeons(6)[0], parity(rng, 12)]
    refuted = 0
    for formula in formulas:
        steps = solved(formula, solver)
        if steps is None:
            continue
        refuted += 1
        for proof in (text(steps), binary(steps)):
            done = check(formula, proof)
            assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "s VERIFIED"), (done.stdout, done.stderr)
    assert refuted >= 4


@pytest.mark.parametrize("holes", [2, 3, 5, 8])
def test_extended_resolution_of_pigeons_is_verified(check: Check, holes: int) -> None:
    formula, steps = pigeons(holes)
    for proof in (text(steps), binary(steps)):
        done = check(formula, proof)
        assert done.returncode == 0, done.stdout
    assert holes == 2 or int(done.stdout.split(", ")[2].split()[0]) > 0, "no lemma was RAT"


def test_a_lemma_that_is_rat_on_another_literal_than_its_first_is_refused(check: Check) -> None:
    formula, steps = pigeons(4)
    assert check(formula, text(steps)).returncode == 0
    turned = [(deletion, clause[::-1]) for deletion, clause in steps]
    assert check(formula, text(turned)).returncode == 1


def test_no_proof_of_a_satisfiable_formula_is_verified(check: Check) -> None:
    rng = random.Random(2)
    satisfiable = 0
    for _ in range(80):
        if rng.random() < 0.3:
            formula, steps = pigeons(rng.choice((3, 4, 5)))
        else:
            formula = random_formula(rng, rng.choice((8, 20, 40)), ratio=5)
            found = solved(formula, rng.choice(("cadical153", "glucose4")))
            if found is None:
                continue
            steps = found
        weaker = rng.sample(formula, len(formula) - rng.choice((1, 3, 10)))
        if solved(weaker) is not None:
            continue
        satisfiable += 1
        for proof in (steps, *mutations(rng, steps)):
            assert check(weaker, text(proof)).returncode == 1
    assert satisfiable >= 20


def test_what_a_naive_forward_checker_accepts_is_verified_and_what_is_verified_is_unsatisfiable(check: Check) -> None:
    rng = random.Random(3)
    accepted = refused = 0
    for _ in range(40):
        formula = random_formula(rng, rng.choice((5, 8, 12)), ratio=6)
        steps = solved(formula, rng.choice(("cadical153", "glucose4", "lingeling")))
        if not steps or not any(clause for _, clause in steps):
            continue
        for proof in mutations(rng, steps):
            code = check(formula, text(proof)).returncode
            assert code in (0, 1)
            if naive(formula, proof):
                assert code == 0, (formula, proof)
            accepted += code == 0
            refused += code == 1
    assert accepted > 20
    assert refused > 5


def test_an_invalid_lemma_is_refused_with_its_line(check: Check) -> None:
    formula = pigeons(3)[0]  # 1: the first pigeon sits in the first hole; 5: the second in the second
    done = check(formula, "c a guess\n1 0\n5 0\n0\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2] == "s NOT VERIFIED"
    assert "p.drat:2: the lemma '1 0' is neither RUP nor RAT on its first literal" in done.stdout.splitlines()[-1]
    done = check(formula, binary([(False, (1,)), (False, (5,)), (False, ())]))
    assert done.returncode == 1
    assert "p.drat: step 1: the lemma '1 0'" in done.stdout


def test_a_deleted_clause_is_not_used_any_more(check: Check) -> None:
    formula = [(1, 2), (-1, 2), (1, -2), (-1, -2)]
    assert check(formula, "1 0\n0\n").returncode == 0
    assert check(formula, "d 2 -1 0\n1 0\n0\n").returncode == 1
    assert check(formula, "d -2 1 0\n1 0\n0\n").returncode == 1
    assert check(formula, "d -1 -2 0\nd 7 8 0\n2 0\n0\n").returncode == 1
    assert check([*formula, (2, 1)], "d 1 2 0\n1 0\n0\n").returncode == 0


def test_deletion_of_units_and_of_clauses_that_force_a_literal_is_ignored(check: Check) -> None:
    formula = [(1,), (-1, 2), (-2, 3, 4), (-2, 3, -4), (-2, -3, 5), (-2, -3, -5)]
    assert check(formula, "d 1 0\nd -1 2 0\n3 0\n0\n").returncode == 0


def test_a_proof_may_end_without_the_empty_clause_when_propagation_conflicts(check: Check) -> None:
    formula = [(1, 2), (-1, 2), (1, -2), (-1, -2)]
    assert check(formula, "2 0\n").returncode == 0
    assert check(formula, "c nothing\n").returncode == 1
    done = check(formula, "0\n")
    assert done.returncode == 1
    assert "p.drat:1: the empty clause does not follow" in done.stdout


@pytest.mark.parametrize("formula", ["p cnf 1 1\n0\n", "1 0\n-1 0\n", "p cnf 9 9\n1 0 -1 2 0\n-2\nc x\n0 %\n"])
def test_a_formula_that_propagation_refutes_is_verified_with_any_proof(check: Check, formula: str) -> None:
    formula = formula.replace(" %", "")
    assert check(formula, "").returncode == 0
    assert check(formula, "5 0\n").returncode == 0


def test_formulas_are_read_as_competition_solvers_do(check: Check) -> None:
    formula = "c top\n\n  c indented\np  cnf\t1 900 \n1\n2 0 -1\r\nc between\n2 0\t1 1 -2 0 3 -3 0\n-1 -2\n0\n%\n0\n"
    assert check(formula, "2 0\n0\n").returncode == 0
    assert check("1 2 0\n%\n0\n", "0\n").returncode == 1, "the 0 after the end mark is no empty clause"


@pytest.mark.parametrize(
    ("formula", "proof", "message"),
    [
        ("p cnf 1 1\n1 x 0\n", "0\n", "f.cnf:2: a literal is expected, not 'x'"),
        ("p cnf 1\n1 0\n", "0\n", "f.cnf:1: the header is 'p cnf VARIABLES CLAUSES'"),
        ("1 0\np cnf 1 1\n", "0\n", "f.cnf:2: a second or late header 'p cnf'"),
        ("1 2\n", "0\n", "f.cnf:2: the last clause is not ended by 0"),
        ("1 --2 0\n", "0\n", "f.cnf:1: a number is expected, not '-' and '-'"),
        ("1 2-3 0\n", "0\n", "f.cnf:1: a blank is expected after a number, not '-'"),
        ("268435456 0\n", "0\n", "f.cnf:1: a variable is at most 268435455"),
        ("p cnf 268435456 1\n1 0\n", "0\n", "f.cnf:1: a variable is at most 268435455"),
        ("1 2 0\n", "1 0\n2 d 0\n", "p.drat:2: a literal is expected, not 'd'"),
        ("1 2 0\n", "1 0\n2", "p.drat:2: the last lemma is not ended by 0"),
        ("1 2 0\n", b"a\x02\x00x", "p.drat: byte 4: a step starts with 'a' or 'd'"),
        ("1 2 0\n", b"a\x02\x00a\x82", "p.drat: byte 5: the proof ends within a step"),
        ("1 2 0\n", b"a\xff\xff\xff\xff\x7f\x00", "p.drat: byte 6: not a literal"),
    ],
)
def test_bad_input_is_named_with_its_place(check: Check, formula: str, proof: str | bytes, message: str) -> None:
    done = check(formula, proof)
    assert done.returncode == 3
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("pack", "program"), [(gzip.compress, "gzip -d"), (bz2.compress, "bzip2 -d"), (lzma.compress, "xz -d")]
)
@pytest.mark.parametrize("packed", ["f.cnf", "p.drat"])
def test_a_compressed_file_must_be_unpacked_first(
    tmp_path: Path, pack: Callable[[bytes], bytes], program: str, packed: str
) -> None:
    for name, content in (("f.cnf", b"1 0\n-1 0\n"), ("p.drat", b"0\n")):
        (tmp_path / name).write_bytes(pack(content) if name == packed else content)
    command = [str(verify.proof_checker()), "f.cnf", "p.drat"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"{packed}: is compressed: unpack it first, with {program}\n"


def test_a_binary_proof_that_starts_with_a_deletion_is_told_from_text(check: Check) -> None:
    formula = [(16, 5), (16, -5), (-16, 5), (-16, -5), (16, 24, 5)]
    steps = [(True, (16, 24, 5)), (False, (16,)), (False, ())]
    assert binary(steps).startswith(b"d 0\n\x00")
    assert check(formula, binary(steps)).returncode == 0
    assert check(formula, text(steps)).returncode == 0
    assert check(formula, binary(steps), "--text").returncode == 3
    assert check(formula, text(steps), "--binary").returncode == 3


def test_the_proof_may_come_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "f.cnf").write_text("1 2 0 -1 2 0 1 -2 0 -1 -2 0\n")
    command = [str(verify.proof_checker()), str(tmp_path / "f.cnf"), "-"]
    assert subprocess.run(command, input=b"a\x02\x00a\x00", capture_output=True).returncode == 0
    assert subprocess.run(command, input=b"0\n", capture_output=True).returncode == 1


@pytest.mark.parametrize("arguments", [[], ["f.cnf"], ["-", "p"], ["f", "p", "q"], ["f", "p", "--time-limit", "soon"]])
def test_wrong_usage_is_answered_by_the_usage(arguments: list[str]) -> None:
    done = subprocess.run([str(verify.proof_checker()), *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("usage: slotforge-drat")


def test_the_time_limit_ends_with_unknown(check: Check) -> None:
    formula = random_formula(random.Random(4), 150, ratio=5)
    steps = solved(formula)
    assert steps is not None
    done = check(formula, text(steps), "--time-limit", "0")
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "s UNKNOWN")


def test_verdicts_agree_with_drat_trim(check: Check, tmp_path: Path) -> None:
    """On an invalid lemma they may differ: it may be outside of one core, and drat-trim tries all pivots."""
    program = drat_trim()
    rng = random.Random(5)
    cases = [pigeons(n) for n in (2, 3, 4, 5)]
    cases += [(f, s) for f in (random_formula(rng, n, 5.5) for n in (10, 30, 60) * 4) if (s := solved(f))]
    verdicts = []
    for formula, steps in cases:
        for proof in (steps, *mutations(rng, steps)):
            ours = check(formula, text(proof)).returncode == 0
            command = [program, str(tmp_path / "f.cnf"), str(tmp_path / "p.drat"), "-t", "100"]
            theirs = "s VERIFIED" in subprocess.run(command, capture_output=True, text=True).stdout
            assert ours == theirs or not naive(formula, proof), (formula, proof)
            assert proof is not steps or theirs
            verdicts.append((ours, theirs))
    assert verdicts.count((True, True)) > 10
    assert verdicts.count((False, False)) > 10
