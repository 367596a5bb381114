"""Instances are collected from folders, files and families, and every split has some."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import UsageError
from slotforge.core.types import Instance, Suite
from slotforge.solvers.sat.domain import Sat
from slotforge.solvers.sat.instances import collect, split


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of five formulas."""
    made = tmp_path / "formulas"
    made.mkdir()
    for number in range(1, 6):
        (made / f"{number}.cnf").write_text(f"p cnf {number} 1\n{number} 0\n")
    return made


def instances(family: str, count: int) -> list[Instance]:
    return [Instance(id=f"{family}{n}", name=f"{n}", family=family, path="") for n in range(count)]


def test_what_is_no_regular_file_is_left_out_with_a_warning_and_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.cnf")
    (folder / "device.cnf").symlink_to("/dev/zero")
    (folder / "gone.cnf").symlink_to(folder / "nothing")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.cnf"))
        suite = collect([str(folder)], seed=0, per_family=3)
    assert len(suite.search + suite.select + suite.holdout) == 5
    assert sorted(suite.warnings) == [
        f"{folder}/{name}.cnf: not a regular file, left out" for name in ("device", "gone", "pipe", "socket")
    ]


def test_a_pipe_that_is_named_itself_is_no_instance(folder: Path) -> None:
    os.mkfifo(folder / "pipe.cnf")
    with pytest.raises(UsageError, match=r"pipe\.cnf: not a regular file, left out"):
        collect([str(folder / "pipe.cnf")], seed=0, per_family=3)


def test_small_families_share_the_splits() -> None:
    suite = split([i for name in "abcdefg" for i in instances(name, 1)] + instances("large", 10))
    sizes = [len(suite.search), len(suite.select), len(suite.holdout)]
    assert sizes == [4 + 3, 2 + 1, 4 + 3]
    assert len({i.id for i in suite.search + suite.select + suite.holdout}) == 17


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6).filter(lambda counts: sum(counts) >= 3))
def test_no_split_is_empty_and_nothing_is_lost(counts: list[int]) -> None:
    dealt = [i for family, count in zip("abcdef", counts, strict=False) for i in instances(family, count)]
    suite = split(dealt)
    assert all((suite.search, suite.select, suite.holdout))
    assert sorted(i.id for i in suite.search + suite.select + suite.holdout) == sorted(i.id for i in dealt)


def test_three_folders_of_one_formula_each_fill_every_split(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"f{number}").mkdir()
        (tmp_path / f"f{number}" / "x.cnf").write_text(f"p cnf {number} 1\n{number} 0\n")
    suite = collect([str(tmp_path / f"f{number}") for number in (1, 2, 3)], seed=0, per_family=3)
    assert [len(suite.search), len(suite.select), len(suite.holdout)] == [1, 1, 1]


def test_twins_are_the_same_problems_under_other_names(folder: Path) -> None:
    def gathered(twins: bool) -> Suite:
        return Sat().suite([str(folder), "ksat:30"], seed=3, options=options | {"twins": twins})

    options = {"holdout_only": True, "per_family": 3}
    plain, first, again = gathered(False), gathered(True), gathered(True)
    assert first == again
    assert len(first.holdout) == len(plain.holdout) == 8
    assert not {i.id for i in plain.holdout} & {i.id for i in first.holdout if i.family == "ksat:30"}
    for one, twin in zip(plain.holdout, first.holdout, strict=True):
        assert (twin.family, twin.size, twin.status) == (one.family, one.size, one.status)
        assert twin.name == f"{one.name} (twin)"
