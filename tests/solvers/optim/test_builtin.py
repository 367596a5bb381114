"""Rules that ship, and which of them have a part where."""

import pytest

from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.case import family


def test_rules_are_found_by_name_and_by_slot(tmp_path):
    assert builtin.named("adam") == {"step": builtin.rules("step")["adam"]}
    assert set(builtin.named("schedule=cosine, step=sgd")) == {"schedule", "step"}
    assert builtin.read("nothing") is None
    (tmp_path / "own.py").write_text("x")
    assert builtin.read(str(tmp_path / "own.py")) == {"step": "x"}
    for ref in ("noslot=adam", "step=nothing"):
        with pytest.raises(UsageError, match="choose"):
            builtin.named(ref)


def test_the_default_of_a_slot_is_its_first_variant():
    assert list(builtin.slots()) == list(builtin.SLOTS)
    assert all(next(iter(slot.variants.values())) == slot.default for slot in builtin.slots().values())


def test_only_rules_with_a_part_in_a_family_are_cast():
    sources = {"transform": "t", "sampling": "s", "selection": "c"}
    step = {"step": builtin.default("step"), "transform": "t"}
    assert builtin.cast(family("planted"), sources) == {"selection": "c"}
    assert builtin.cast(family("planted"), {}) == {"selection": builtin.default("selection")}
    assert builtin.cast(family("bilinear"), sources) == step
    assert builtin.cast(family("node_sampling"), sources) == {**step, "sampling": "s"}
