"""diff: what differs between two candidates, against the default where one does not replace a slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.lineage.store import open_store
from slotforge.solvers.sat import heuristics
from slotforge.solvers.sat.slot import slots

from .conftest import Command, Found


def test_against_the_baseline_each_replaced_slot_differs_from_its_default(cli: Command, found: Found) -> None:
    document = cli("diff", "baseline", found.winner, "--store", found.store, "--json").json
    assert (document["a"], document["b"]) == (found.baseline, found.winner)
    assert set(document["slots"]) == set(found.report.best.slots)
    for slot, source in found.report.best.slots.items():
        text = document["slots"][slot]
        assert "-0.5" in text.splitlines()
        assert f"+{source.strip()}" in text.splitlines()
        assert f"--- {slot} default" in text
        assert f"+++ {slot} {found.winner}" in text


def test_the_other_way_round_is_the_inverse(cli: Command, found: Found) -> None:
    there = cli("diff", "baseline", found.winner, "--store", found.store).out.splitlines()
    back = cli("diff", found.winner, "baseline", "--store", found.store).out.splitlines()
    assert {line[1:] for line in there if line.startswith("+0")} == {line[1:] for line in back if line.startswith("-0")}


@pytest.mark.parametrize("ref", ["baseline", "winner"])
def test_a_candidate_does_not_differ_from_itself(cli: Command, found: Found, ref: str) -> None:
    name = found.winner if ref == "winner" else ref
    answer = cli("diff", name, name, "--store", found.store)
    assert (answer.code, answer.out) == (0, "")
    assert "no difference" in answer.err


def test_a_prefix_that_fits_several_is_refused(cli: Command, copied: Found) -> None:
    with open_store(copied.store) as store:
        names = [trial.candidate.id for trial in store.trials(copied.report.run).values() if trial.candidate]
    first = next(name[0] for name in names if sum(other[0] == name[0] for other in set(names)) > 1)
    answer = cli("diff", first, "baseline", "--store", copied.store)
    assert answer.code == 2
    assert "give more of it" in answer.error


def test_built_in_variants_can_be_named(cli: Command, tmp_path: Path) -> None:
    document = cli("diff", "restart_due=Luby", "baseline", "--store", tmp_path / "s.db", "--json").json
    assert set(document["slots"]) == {"restart_due"}
    assert "struct Luby" in document["slots"]["restart_due"]


def test_a_heuristics_file_can_be_compared(cli: Command, tmp_path: Path) -> None:
    source = slots()["decay"].variants["EasySat"]
    (tmp_path / "mine.hpp").write_text(heuristics.write({"decay": source}))
    document = cli("diff", "baseline", tmp_path / "mine.hpp", "--store", tmp_path / "s.db", "--json").json
    assert set(document["slots"]) == {"decay"}
    assert (
        cli("diff", "decay=EasySat", tmp_path / "mine.hpp", "--store", tmp_path / "s.db", "--json").json["slots"] == {}
    )


@pytest.mark.parametrize("ref", ["", "nonsense=Luby", "restart_due=Nonsense", "./nowhere.hpp", "no such"])
def test_what_names_nothing_is_one_line(cli: Command, tmp_path: Path, ref: str) -> None:
    open_store(tmp_path / "s.db").close()
    answer = cli("diff", "baseline", ref, "--store", tmp_path / "s.db")
    assert answer.code == 2
    assert answer.error
