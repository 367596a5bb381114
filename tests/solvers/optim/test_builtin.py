"""Rules that ship, and which of them have a part where."""

import pytest

from slotforge.core.errors import BuildError, UsageError
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


def test_a_file_takes_the_place_of_a_name(tmp_path):
    plain, marked = tmp_path / "plain.py", tmp_path / "marked.txt"
    plain.write_text("x\n")
    marked.write_text("# for you\n# slot: transform\n\ny\n")
    assert builtin.named(f"restart={plain}, step=adam") == {"restart": "x\n", "step": builtin.rules("step")["adam"]}
    marked.rename(tmp_path / "marked.py")
    assert builtin.named(f"transform={tmp_path / 'marked.py'}") == {"transform": "y\n"}
    assert builtin.read(str(tmp_path / "marked.py")) == {"transform": "y\n"}
    with pytest.raises(UsageError, match="is for transform, not for restart"):
        builtin.named(f"restart={tmp_path / 'marked.py'}")
    with pytest.raises(UsageError, match="no such rule file"):
        builtin.read("step=none.py")


def test_files_of_rules_are_known_by_what_they_hold(tmp_path):
    path = tmp_path / "rules"
    path.write_text("# slot: step\nx\n\n# slot: restart\ny\n")
    assert builtin.read(str(path)) == {"step": "x\n", "restart": "y\n"}
    path.write_text("// slot: decay\nstruct Decay {};\n")
    assert builtin.read(str(path)) is None


def test_a_slot_that_is_given_twice_or_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(UsageError, match="slot step is given twice"):
        builtin.named("step=adam,step=sgd")
    path = tmp_path / "rules.py"
    for text, said in (
        ("# slot: step\nx\n# slot: step\ny\n", "given twice"),
        ("# slot: gait\nx\n", "no slot called"),
        ("X = 1\n# slot: step\nx\n", "above the first line"),
    ):
        path.write_text(text)
        with pytest.raises(BuildError, match=said):
            builtin.read(str(path))


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
