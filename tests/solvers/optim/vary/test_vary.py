"""Variation without a model: whatever is drawn is a new rule that the check takes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Request
from slotforge.solvers.optim.builtin import slots
from slotforge.solvers.optim.hygiene import check
from slotforge.solvers.optim.key import key
from slotforge.solvers.optim.vary import OPERATORS, vary

SLOTS = slots()
places = st.sampled_from([(slot, name) for slot, known in SLOTS.items() for name in known.variants])


def of(slot: str, *sources: str, operator: str = "mutate") -> Request:
    parents = tuple(Candidate(domain="optim", slots={slot: source}) for source in sources)
    return Request(operator=operator, parents=parents, slots=(slot,))


@settings(deadline=None, max_examples=25)
@given(place=places, seed=st.integers(0, 2**32))
@example(place=("step", "scaled_gd"), seed=98)  # a long choice between two values
def test_a_variation_is_an_allowed_rule_that_computes_something_else(place: tuple[str, str], seed: int) -> None:
    slot, name = place
    parent = SLOTS[slot].variants[name]
    source = vary(of(slot, parent), SLOTS, generator(seed))[slot]
    assert check(slot, source) is None
    assert key(source) != key(parent)
    assert source == vary(of(slot, parent), SLOTS, generator(seed))[slot]
    assert (ast.get_docstring(ast.parse(source)) or "").startswith("Variation of ")
    assert all(len(line) <= 120 and line == line.rstrip() for line in source.splitlines())


@settings(deadline=None, max_examples=5)
@given(slot=st.sampled_from(sorted(SLOTS)), seed=st.integers(0, 2**32))
def test_generations_stay_allowed_and_bounded(slot: str, seed: int) -> None:
    source = SLOTS[slot].default
    for number in range(8):
        source = vary(of(slot, source), SLOTS, generator(seed, number))[slot]
        assert check(slot, source) is None
        assert len(source) <= 6000
        told = (ast.get_docstring(ast.parse(source)) or "").split("; ")
        assert len(told) <= 5


def test_a_crossover_brings_both_parents_together() -> None:
    variants = SLOTS["transform"].variants
    request = of("transform", variants["sign"], variants["momentum"], operator="crossover")
    sources = [vary(request, SLOTS, generator("both", number))["transform"] for number in range(20)]
    assert sum("xp.sign(" in source and 'hp["decay"] * (' in source for source in sources) >= 4


def test_an_unknown_slot_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no slot called 'decay'"):
        vary(Request(operator="mutate", parents=(), slots=("decay",)), SLOTS, generator(0))


def test_every_operator_stands_in_the_docs() -> None:
    text = (Path(__file__).parents[4] / "docs" / "step-rules.md").read_text(encoding="utf-8")
    told = text.partition("## Searching without a model")[2].partition("\n## ")[0]
    assert all(f"`{name}`" in told for name in registry.names(OPERATORS))
