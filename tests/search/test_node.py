"""A worker of a cluster drops keys, and works only on a node that is like the driver's machine and as safe."""

from __future__ import annotations

import os

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Instance
from slotforge.search import worker
from slotforge.search.executors import _files, _node
from slotforge.solvers.sandbox.level import Level


@pytest.fixture
def node_of_level_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_node, "level", lambda **_: Level(number=2, layers=()))


def test_keys_are_dropped_and_the_clusters_own_token_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "PGPASSWORD", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "planted")
    monkeypatch.setenv("HOME", "planted")
    _node.enter(0, _node.facts(), False, "here")
    assert {name for name, value in os.environ.items() if value == "planted"} == {"RAY_AUTH_TOKEN", "HOME"}


@pytest.mark.usefixtures("node_of_level_2")
@pytest.mark.parametrize("wanted", [0, 1, 2, 3])
def test_a_node_below_the_level_is_refused_with_what_to_do(wanted: int) -> None:
    told = _node.enter(wanted, _node.facts(), False, "n (192.0.2.7)")
    if wanted <= 2:
        assert told == ""
    else:
        assert told.startswith("node n (192.0.2.7) has sandbox level 2 (no namespaces")
        assert told.endswith("and 3 is wanted: mend that, or accept it with --sandbox-level 2")
    assert "\n" not in told


def test_the_level_is_that_of_the_driver_unless_the_user_says_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_node, "level", lambda **_: Level(number=2, layers=()))
    monkeypatch.delenv(_node.WANTED, raising=False)
    assert _node.wanted() == 2
    monkeypatch.setenv(_node.WANTED, "1")
    assert _node.wanted() == 1


def test_a_worker_asks_for_what_a_measurement_may_take_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(_node.MEMORY, raising=False)
    assert _node.memory_mb(4096) == 4096
    for asked in ("300", "0"):
        monkeypatch.setenv(_node.MEMORY, asked)
        assert _node.memory_mb(4096) == int(asked)
    for wrong in ("-1", "2G", "0.5"):
        monkeypatch.setenv(_node.MEMORY, wrong)
        with pytest.raises(UsageError, match=f"^{_node.MEMORY}='{wrong}': expected MiB, or 0 to ask for none$"):
            _node.memory_mb(4096)


@pytest.mark.parametrize("fact", ["slotforge", "engine", "compiler", "flags", "numpy", "jax"])
def test_a_node_that_is_not_like_the_driver_is_refused(fact: str) -> None:
    told = _node.enter(0, {**_node.facts(), fact: "of yore"}, False, "n")
    assert told == f"node n has {fact} {_node.facts()[fact]}, and the driver of yore: install the same on both"


def test_a_node_tells_its_versions_and_processor_without_a_compiler_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"sandbox_level", "slotforge", "python", "ray", "compiler", "engine", "processor"}
    assert {name for name, told in _node.about().items() if told} == names
    without = {"slotforge": "1", "compiler": "none (no compiler)"}
    monkeypatch.setattr(_node, "facts", lambda: without)
    assert names - _node.about().keys() == {"engine"}


def test_consent_to_an_unsafe_sandbox_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_node.UNSAFE, "")
    _node.enter(0, _node.facts(), True, "n")
    assert os.environ[_node.UNSAFE] == "1"


def test_instances_are_found_and_moved_wherever_they_stand_among_arguments() -> None:
    one, two, none = (Instance(id=n, name=n, family="f", path=p) for n, p in (("1", "/a"), ("2", "/b"), ("3", "")))
    tasks = tuple(worker.Task(candidate=Candidate(domain="sat"), instance=i, seed=1) for i in (one, two, none))
    arguments = (tasks, [two], "text", 3, Candidate(domain="sat", slots={"a": "/a"}))
    assert set(_files.paths(arguments)) == {"/a", "/b"}
    moved = _files.moved(arguments, {"/a": "/there", "/x": "/y"})
    assert [task.instance.path for task in moved[0]] == ["/there", "/b", ""]
    assert moved[1:] == arguments[1:]
    assert moved[0][1:] == tasks[1:]
    assert [task.instance.path for task in tasks] == ["/a", "/b", ""]
