"""Compiled programs come back to the candidate that made them, and to nobody else."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest

from slotforge.solvers.optim.serve.kept import Kept

NUMBERS = [1.0, 2.0, 3.0]


def text(size: int) -> str:
    return b64encode(bytes(size)).decode()


def test_a_new_process_of_a_candidate_gets_what_the_last_one_compiled(toys, tmp_path):
    for name, hits in (("one", False), ("one", True), ("two", False)):
        workers = toys(kept=tmp_path)
        said = workers.do("add", NUMBERS, candidate=name).answer["said"]
        workers.close()
        assert said[0] == 15.0
        assert (said[1] > 0) == hits
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_programs_that_came_back_compute_the_same(toys):
    workers = toys()
    first = workers.do("svd", 12).answer
    assert workers.do("exit").outcome == "crash"
    assert workers.do("svd", 12).answer == first


def test_a_broken_program_is_compiled_again(toys, tmp_path):
    for _ in range(2):
        workers = toys(kept=tmp_path)
        assert workers.do("add", NUMBERS).answer["said"] == [15.0, 0]
        workers.close()
        for path in (tmp_path / "one").iterdir():
            path.write_bytes(b"no program")


def test_programs_are_given_only_to_the_candidate_that_made_them(tmp_path):
    kept = Kept(tmp_path)
    kept.save("a", {"jit_f-1": text(3)})
    assert kept.load("a") == {"jit_f-1": text(3)}
    assert kept.load("b") == {}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", ".", "..", "", ".hidden", "a/b", "a" * 300, "x\n", "ä"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    kept = Kept(tmp_path / "kept")
    kept.save("candidate", {name: text(3)})
    assert kept.load("candidate") == {}
    kept.save(name, {"program": text(3)})
    assert kept.load(name) == {"program": text(3)}
    assert os.listdir(tmp_path) == ["kept"]
    assert all(path.parent.parent == tmp_path / "kept" for path in (tmp_path / "kept").rglob("program"))


def test_what_is_no_base64_is_left_out(tmp_path):
    kept = Kept(tmp_path)
    kept.save("a", {"good": text(3), "bad": "*"})
    assert list(kept.load("a")) == ["good"]


def test_a_candidate_keeps_no_more_than_its_share(tmp_path):
    kept = Kept(tmp_path, one_bytes=1000)
    for i in range(5):
        kept.save("a", {f"program{i}": text(400)})
    assert len(kept.load("a")) == 2


def test_the_oldest_candidates_make_room(tmp_path):
    for i in range(4):
        Kept(tmp_path).save(f"c{i}", {"program": text(400)})
        os.utime(tmp_path / f"c{i}", (i, i))
    Kept(tmp_path, all_bytes=1000).save("new", {"program": text(400)})
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["c3", "new"]


def test_what_another_process_removes_meanwhile_is_no_error(tmp_path):
    gone = tmp_path / "a" / "gone"
    gone.parent.mkdir()
    gone.symlink_to(tmp_path / "nowhere")
    kept = Kept(tmp_path)
    assert kept.load("a") == {}
    kept.save("a", {"program": text(3)})
    kept.save("b", {"program": text(3)})
    assert kept.load("b") == {"program": text(3)}


def test_programs_for_which_there_is_no_room_are_not_kept(tmp_path):
    (tmp_path / "full").write_bytes(b"")
    kept = Kept(tmp_path / "full")
    kept.save("a", {"program": text(3)})
    assert kept.load("a") == {}
