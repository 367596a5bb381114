"""Every family keeps its promises: deterministic, well-formed, varied, and right about its status."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest
from pysat.solvers import Solver

from slotforge.core.errors import UsageError
from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Parameter, generate, make, names

FAMILIES = sorted(names())
SEEDS = (0, 1, 2)
# Every named choice of a family that its small default does not reach.
VARIANTS = (
    "bmc:3:system=arbiter:scale=3", "bmc:9:system=arbiter:scale=4", "bmc:8:system=counter:scale=8",
    "bmc:24:system=lfsr:scale=4:width=3", "bmc:6:scale=1:width=1", "bmc:5:width=3",
    "coinsgrid:6:slack=-1:blocked=2", "coloring:30:graph=planted:degree=5", "coloring:5:graph=queen:colors=5",
    "coloring:4:graph=queen:colors=3", "coloring:4:graph=mycielski:colors=3", "coloring:4:graph=mycielski:colors=4",
    "factoring:6:number=prime", "jobshop:3:machines=3:slack=-10", "jobshop:4:machines=2:slack=0", "knight:5",
    "knight:3:columns=4", "knight:3:columns=10", "langford:4", "langford:5", "miter:4:shape=array_wallace",
    "qwh:6:holes=100", "qwh:6:holes=0", "tseitin:12:charge=even", "tseitin:10:degree=3", "minesweeper:5:columns=9",
)  # fmt: skip


def small(name: str) -> str:
    kind = type(make(name))
    return ":".join([name, *(f"{key}={value}" for key, value in kind.small.items())])


SPECS = [*map(small, FAMILIES), *VARIANTS]


def solve(formula: Formula, name: str = "cadical195") -> list[int] | None:
    with Solver(name=name, bootstrap_with=[list(c) for c in formula.clauses]) as solver:
        return solver.get_model() if solver.solve() else None


def true_set(formula: Formula) -> set[int]:
    model = solve(formula)
    assert model is not None
    return {x for x in model if x > 0}


def parameters(spec: str) -> Mapping[str, Parameter]:
    return vars(make(spec))


def test_every_family_s_small_size_is_within_its_parameters() -> None:
    for name in FAMILIES:
        assert set(type(make(name)).small) <= set(parameters(name))


def test_listing_families_imports_none_of_them() -> None:
    code = (
        "import sys; from slotforge.solvers.sat.families import names; names();"
        "heavy = {'numpy', 'scipy', 'pysat'} & set(sys.modules);"
        "print([m for m in sys.modules if 'families.' in m and '._family' not in m] + list(heavy))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_describes_itself_in_one_line(name: str) -> None:
    assert 20 < len(names()[name]) < 120


@pytest.mark.parametrize("spec", SPECS)
def test_a_formula_is_a_pure_function_of_spec_seed_and_index(spec: str) -> None:
    assert generate(spec, 5, 1) == generate(spec, 5, 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_seeds_and_indices_give_different_formulas(name: str) -> None:
    spec = small(name)
    drawn = [generate(spec, seed, index) for seed in SEEDS for index in (0, 1)]
    assert len({repr(formula.clauses) for formula in drawn}) == len(drawn)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_formula_is_well_formed_and_right_about_its_status(spec: str, seed: int) -> None:
    formula = generate(spec, seed, 0)
    literals = [x for clause in formula.clauses for x in clause]
    assert all(type(x) is int and 0 < abs(x) <= formula.variables for x in literals)
    answer = "unsat" if solve(formula) is None else "sat"
    assert formula.status in (None, answer)


def test_spelling_out_a_default_changes_nothing() -> None:
    assert generate("ksat:60", 1, 0) == generate("ksat:variables=60:k=3", 1, 0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nosuch", "nosuch.*langford"),
        ("langford:side=3", "no parameter 'side'; use n"),
        ("langford:x", "n must be a whole number, not 'x'"),
        ("langford:1", "n=1 is out of range; use 2 to 500"),
        ("langford:n=3:n=4", "n is given twice"),
        ("ksat:60:ratio=inf", "ratio=inf is out of range"),
        ("ksat:60:ratio=nan", "ratio=nan is out of range"),
        ("ksat:60:60", "no parameter '60'"),
        ("miter:shape=round", "use one of random, array_wallace"),
        ("tseitin:7:degree=3", "must be even"),
        ("community:variables=10", "at least"),
        ("../ksat", "ksat"),
        ("_family", "_family"),
        ("encode", "encode"),
        ("", "ksat"),
    ],
)
def test_a_bad_spec_gets_one_line_that_says_what_is_valid(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        make(spec)
    assert "\n" not in str(error.value)


def test_langford_models_are_langford_sequences() -> None:
    from slotforge.solvers.sat.families.encode.builder import Builder
    from slotforge.solvers.sat.families.langford import encode

    builder = Builder()
    places = encode(builder, 7, np.random.default_rng(0))
    chosen = true_set(builder.formula("sat"))
    sequence = [0] * 14
    for number, literals in enumerate(places, start=1):
        (place,) = (i for i, x in enumerate(literals) if x in chosen)
        assert sequence[place] == sequence[place + number + 1] == 0
        sequence[place] = sequence[place + number + 1] = number
    assert Counter(sequence) == dict.fromkeys(range(1, 8), 2)


def test_hamiltonian_models_are_one_cycle() -> None:
    from slotforge.solvers.sat.families.encode.builder import Builder
    from slotforge.solvers.sat.families.encode.cycle import hamiltonian_cycle
    from slotforge.solvers.sat.families.knight import moves

    builder = Builder()
    used = hamiltonian_cycle(builder, moves(6, 6), 36, start=11)
    chosen = true_set(builder.formula())
    successor = dict(arc for arc, literal in used.items() if literal in chosen)
    square, tour = 0, []
    for _ in range(36):
        tour.append(square)
        square = successor[square]
    assert square == 0
    assert sorted(tour) == list(range(36))


def test_two_separate_triangles_have_no_hamiltonian_cycle() -> None:
    from slotforge.solvers.sat.families.encode.builder import Builder
    from slotforge.solvers.sat.families.encode.cycle import hamiltonian_cycle

    builder = Builder()
    arcs = [(a, b) for base in (0, 3) for a in range(base, base + 3) for b in range(base, base + 3) if a != b]
    hamiltonian_cycle(builder, arcs, 6, start=0)
    assert solve(builder.formula()) is None


def test_factoring_models_multiply() -> None:
    for seed in SEEDS:
        formula = generate("factoring:8", seed, 0)
        chosen = true_set(formula)
        a, b = (sum(1 << bit for bit in range(8) if base + bit in chosen) for base in (1, 9))
        units = {clause[0] for clause in formula.clauses if len(clause) == 1}
        assert a > 1 < b
        assert (a * b) % 2 == 1
        assert units


def test_latin_squares_are_latin() -> None:
    from slotforge.solvers.sat.families.qwh import latin_square

    square = latin_square(12, np.random.default_rng(3))
    for line in (*square, *square.T):
        assert sorted(line) == list(range(12))


def test_parity_models_disagree_with_few_samples() -> None:
    """The answer, read back from the first variables, is within the allowed errors of freshly drawn samples."""
    family = make("parity:bits=8:samples=20:errors=2")
    rng = np.random.default_rng(4)
    chosen = true_set(family.formula(np.random.default_rng(4)))
    secret, rows = rng.integers(2, size=8), rng.integers(2, size=(20, 8))
    labels = (rows @ secret) % 2
    labels[rng.choice(20, 2, replace=False)] ^= 1
    answer = np.array([bit + 1 in chosen for bit in range(8)], dtype=int)
    assert ((rows @ answer) % 2 != labels).sum() <= 2
