"""A shuffled twin is the same problem under other names."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import generate
from slotforge.solvers.sat.shuffle import shuffled

clauses = st.lists(st.lists(st.integers(-6, 6).filter(bool), max_size=4), max_size=20)


def models(formula: Formula) -> int:
    """Number of models over all variables, by enumeration."""
    everything = ([x if bits >> x - 1 & 1 else -x for x in range(1, 7)] for bits in range(64))
    return sum(all(set(clause) & set(model) for clause in formula.clauses) for model in everything)


@settings(max_examples=60, deadline=None)
@given(clauses, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99))
def test_a_twin_has_as_many_models(drawn: list[list[int]], rename: bool, flip: bool, permute: bool, seed: int) -> None:
    formula = Formula(variables=6, clauses=drawn)
    twin = shuffled(formula, np.random.default_rng(seed), rename=rename, flip=flip, permute=permute)
    assert models(twin) == models(formula)
    assert Counter(map(len, twin.clauses)) == Counter(map(len, drawn))


def test_with_nothing_to_do_the_formula_stays_as_it_is() -> None:
    formula = generate("ksat:40", 0, 0)
    assert shuffled(formula, np.random.default_rng(0), rename=False, flip=False, permute=False) == formula


def test_each_step_alone_changes_the_text_and_only_its_part() -> None:
    formula = generate("ksat:40", 0, 0)
    rng = np.random.default_rng(1)
    renamed = shuffled(formula, rng, flip=False, permute=False)
    flipped = shuffled(formula, rng, rename=False, permute=False)
    permuted = shuffled(formula, rng, rename=False, flip=False)
    assert [[x > 0 for x in c] for c in renamed.clauses] == [[x > 0 for x in c] for c in formula.clauses]
    assert [[abs(x) for x in c] for c in flipped.clauses] == [[abs(x) for x in c] for c in formula.clauses]
    assert Counter(tuple(sorted(c)) for c in permuted.clauses) == Counter(tuple(sorted(c)) for c in formula.clauses)
    assert len({repr(f.clauses) for f in (formula, renamed, flipped, permuted)}) == 4


@pytest.mark.parametrize("spec", ["tseitin:12", "tseitin:12:charge=even"])
def test_a_twin_keeps_its_status_and_its_answer(spec: str) -> None:
    twin = shuffled(generate(spec, 0, 0), np.random.default_rng(5))
    with Solver(name="cadical195", bootstrap_with=twin.clauses) as solver:
        assert solver.solve() == (twin.status == "sat")
