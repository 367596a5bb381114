"""The slots as their headers describe them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from slotforge.solvers.sat import reference
from slotforge.solvers.sat.build import engine
from slotforge.solvers.sat.slot import FOLDER, slots
from slotforge.solvers.sat.source import params, struct_name

NAMES = ["bump_reason", "bump_variables", "decay", "inprocess_due", "pick_phase", "reduce_due", "rephase_action",
         "rephase_due", "restart_action", "restart_due", "score_clauses", "switch_mode"]  # fmt: skip
DOCS = Path(__file__).parents[4] / "docs"


def test_the_twelve_slots_are_there() -> None:
    assert list(slots()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_slot_says_what_it_is_when_it_is_called_and_what_follows(name: str) -> None:
    slot = slots()[name]
    assert slot.name == name
    assert slot.summary
    assert slot.contract.startswith(f"{name}: {slot.summary}")
    assert "Called" in slot.contract
    assert "Pre:" in slot.contract
    assert "Post:" in slot.contract
    assert "(const View &" in slot.signature


@pytest.mark.parametrize("name", NAMES)
def test_a_slot_has_a_default_and_more_variants_each_with_a_comment(name: str) -> None:
    slot = slots()[name]
    assert len(slot.variants) >= 4
    first = next(iter(slot.variants))
    assert first == name.title().replace("_", "")
    assert slot.default == slot.variants[first]
    for variant, source in slot.variants.items():
        assert source.startswith("// ")
        assert source.endswith("};\n")
        assert struct_name(source) == variant


def test_what_the_contract_names_is_shown_with_it() -> None:
    assert "struct LearnedClause {" in slots()["score_clauses"].contract
    assert "// A variable of the conflict" in slots()["bump_variables"].contract
    assert "double infinity" in slots()["score_clauses"].contract


def test_the_engine_has_what_the_headers_say() -> None:
    """--list-slots of the compiled engine and the headers agree: names, order, parameters and ranges."""
    listed = json.loads(subprocess.run([engine(), "--list-slots"], capture_output=True, check=True).stdout)
    assert {slot: list(variants) for slot, variants in listed.items()} == {
        slot.name: list(slot.variants) for slot in slots().values()
    }
    for slot in slots().values():
        for variant, source in slot.variants.items():
            read = {param.name: [param.value, param.low, param.high] for param in params(source)}
            assert listed[slot.name][variant] == read, (slot.name, variant)


def test_the_reference_for_people_says_what_the_headers_say() -> None:
    """When this fails: python -m slotforge.solvers.sat.reference > docs/slots.md"""
    written = (DOCS / "slots.md").read_text(encoding="utf-8")
    assert written == reference.text()
    for slot in slots().values():
        section = written.partition(f"\n## {slot.name}\n")[2].partition("\n## ")[0]
        assert slot.signature in section
        assert all(f"\n| `{variant}`" in section for variant in slot.variants), slot.name


def test_headers_include_nothing_but_the_engine_s_words() -> None:
    for path in FOLDER.glob("*.hpp"):
        included = {line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#include")}
        assert included <= {'#include "slotforge/slot.hpp"', "#include <limits>"}, path.name
