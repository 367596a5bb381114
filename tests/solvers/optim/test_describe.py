"""What prompts tell about rules and problems."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest

from slotforge.core import registry
from slotforge.solvers.optim import aux, case
from slotforge.solvers.optim.describe import INTERFACE, text
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.measure import CPU_S
from slotforge.solvers.optim.rule import load

FAMILIES = registry.names(case.PROBLEMS)


def test_the_families_of_a_search_are_told_and_no_others() -> None:
    told = text(["matrix_sensing:k=6", "decentralised"])
    assert "Problems of `matrix_sensing:k=6`:\n\nRecovery of a positive semidefinite matrix" in told
    assert "X is n x k" in told
    assert "In this search: k=6,kappa=10,m=200,n=20,rank=2. Oracle: loss and gradient." in told
    assert "In this search: apart=3,d=10,graph=0,nodes=16; apart=3,d=10,graph=0,nodes=8." in told
    assert told.count("Problems of") == 2


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_told_of_a_family_names_none_of_its_specialists(name: str) -> None:
    parts = {part.partition("=")[2] or part for ref in case.family(name).specialists for part in ref.split(",")}
    told = text([name]).removeprefix(text([]))
    assert f"Problems of `{name}`" in told
    assert not parts & set(re.findall(r"\w+", told))


def test_the_interface_tells_what_time_there_is() -> None:
    assert f"may take {CPU_S:g} CPU seconds" in INTERFACE.read_text(encoding="utf-8")


def test_the_interface_shows_a_rule_that_passes_and_names_every_question() -> None:
    interface, example = INTERFACE.read_text(encoding="utf-8"), shown()
    assert ast.parse(example)
    assert check("step", example) is None
    assert not [name for name in aux.WHOLE if f"aux.{name}(" not in interface]


def test_the_rule_that_is_shown_gives_away_nothing_that_a_search_is_to_find() -> None:
    """Of the gradient it keeps nothing, and it goes along it as plain descent does."""
    rule = load(shown())
    hp = {name: np.asarray(number.default) for name, number in rule.numbers.items()}
    p, g = np.random.default_rng(0).standard_normal((2, 4, 3))
    state, t = rule.init(np, np.ones_like(p)), np.asarray(2.0)
    (still, before), (moved, after) = (rule.update(np, x, state, p, hp, t, None) for x in (0 * g, g))
    np.testing.assert_allclose(still - moved, hp["lr"] * g)
    assert all(np.array_equal(before[name], after[name]) for name in state)


def shown() -> str:
    """Return the example of the interface."""
    before, _, rest = INTERFACE.read_text(encoding="utf-8").partition("```python\n")
    assert before
    return rest.partition("```")[0]
