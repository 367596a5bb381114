"""Problems in splits, and what is frozen of their cases."""

import errno
import json
from pathlib import Path

import pytest

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.solvers.optim import case, instances

SPECS = ["least_squares", "planted:n=20"]


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))


def drawn(seed=0):
    suite = instances.collect(SPECS, seed=seed, per_family=10)
    return suite.search, suite.select, suite.holdout


def test_splits_share_no_problem_and_a_seed_draws_them_again():
    one, again, other = drawn(), drawn(), drawn(1)
    assert one == again
    ids = [instance.id for split in (*one, *other) for instance in split]
    assert len(ids) == len(set(ids)) == 40
    assert [len(split) for split in one] == [8, 4, 8]
    problems = [instances.read(instance) for split in one for instance in split]
    assert len({problem.seed for problem in problems}) == len(problems)
    assert {p.knobs["n"] for p in problems if p.family == "planted"} == {20}


def test_a_problem_has_the_settings_of_its_split():
    found = case.family("least_squares")
    for split, held in zip(("search", "select", "holdout"), drawn(), strict=True):
        wanted = {case.key({**found.knobs, **knobs}) for knobs in found.splits[split]}
        assert {case.key(instances.read(one).knobs) for one in held if one.family == "least_squares"} == wanted


def test_a_lost_file_and_a_spec_that_is_named_twice_are_told():
    (one, *_), *_ = drawn()
    with pytest.raises(SlotforgeError, match="cannot be read"):
        instances.read(one.model_copy(update={"path": "/nowhere"}))
    with pytest.raises(UsageError, match="named twice"):
        instances.collect(["planted", "planted"], seed=0)


def test_a_problem_that_a_full_disk_cut_off_is_written_again(monkeypatch):
    write = Path.write_text

    def cut_off(path, text, **options):
        write(path, text[:9], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", cut_off)
        with pytest.raises(OSError, match="No space left"):
            drawn()
    assert all(instances.read(one) for split in drawn() for one in split)


@pytest.mark.parametrize(
    ("spec", "said"), [("nothing", "choose one of"), ("planted:m=1", "it has n=100"), ("planted:n=nan", "no number")]
)
def test_a_spec_that_names_nothing_is_told_what_there_is(spec, said):
    with pytest.raises(UsageError, match=said):
        case.parse(spec)


def test_a_frozen_case_is_found_by_all_of_its_knobs(monkeypatch, tmp_path):
    found = case.family("planted")
    facts = {"specialists": ["selection=plus"], "goal": 0.25, "budget": 77.0, "calls": 9.0}
    table = {"cases": {"planted": {case.key({**found.knobs, "n": 50}): facts}}}
    (tmp_path / "targets.json").write_text(json.dumps(table))
    monkeypatch.setattr(case, "TARGETS", tmp_path / "targets.json")
    case._table.cache_clear()
    try:
        assert case.frozen(found, {"n": 50.0}).budget == case.frozen(found, {**found.knobs, "n": 50}).budget == 77
        assert case.frozen(found, {}).budget == found.budget
    finally:
        case._table.cache_clear()


@pytest.mark.parametrize("gather", [instances.collect, instances.holdout])
def test_settings_that_go_with_no_problem_of_the_splits_are_refused(gather):
    with pytest.raises(UsageError, match=r"matrix_sensing:n=1: rank=2 must not be greater than n=1"):
        gather(["matrix_sensing:n=1"], seed=0)
