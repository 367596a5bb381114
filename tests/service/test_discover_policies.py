"""Bin packing and tours through the command line: searched for, shown, confirmed, listed, exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command

MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
FAMILY = {"packing": "weibull_1k_100", "tsp": "tsp50"}
SLOT = {"packing": "priority", "tsp": "select_next"}
PER_FAMILY = {"packing": "15", "tsp": "30"}
WEAK = {"packing": "first_fit", "tsp": "farthest"}
NAMES = tuple(FAMILY)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policies")


def slotforge(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a home and a store of its own."""
    environment = {"SLOTFORGE_HOME": str(place), "PATH": "/usr/bin:/bin", "HOME": str(place)}
    return subprocess.run([*MAIN, *arguments], env=environment, capture_output=True, text=True, check=False)


def told(ended: subprocess.CompletedProcess[str]) -> Any:
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def search(name: str) -> tuple[str, ...]:
    return (
        *(
            "discover",
            name,
            "--instances",
            FAMILY[name],
            "--per-family",
            PER_FAMILY[name],
            "--seed",
            "1",
            "--workers",
            "2",
        ),
        *("--evals", "5", "--json"),
    )


@pytest.fixture(scope="module")
def reports(place: Path) -> dict[str, Any]:
    return {name: told(slotforge(place, *search(name))) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_search_without_a_model_beats_what_the_solver_ships_with_on_unseen_instances(
    name: str, reports: dict[str, Any]
) -> None:
    report = reports[name]
    assert (report["state"], report["trials"]) == ("finished", 5)
    assert report["holdout"]["verdict"] == "better"
    assert report["holdout"]["models"] > 0
    assert f"def {SLOT[name]}(" in report["best"]["slots"][SLOT[name]]
    assert report["controls"]["best_builtin"]["name"] == f"{SLOT[name]}={'eoh' if name == 'packing' else 'ael'}"


def test_the_same_seed_gives_the_same_search(tmp_path: Path, reports: dict[str, Any]) -> None:
    again = told(slotforge(tmp_path, *search("tsp")))
    assert again["states"] == reports["tsp"]["states"]
    assert again["best"] == reports["tsp"]["best"]
    assert again["holdout"]["ratio"] == reports["tsp"]["holdout"]["ratio"]


@pytest.mark.parametrize("name", NAMES)
def test_the_winner_is_shown_listed_confirmed_and_exported(name: str, place: Path, reports: dict[str, Any]) -> None:
    winner = reports[name]["best"]["candidate"]
    shown = slotforge(place, "show", winner)
    assert shown.returncode == 0, shown.stderr
    assert f"def {SLOT[name]}(" in shown.stdout
    assert winner in {one["candidate"] for one in told(slotforge(place, "best", name, "--json"))}
    weak = f"{SLOT[name]}={WEAK[name]}"
    again = ("confirm", winner, "--against", weak, "--instances", FAMILY[name], "--per-family", "6", "--workers", "1")
    assert told(slotforge(place, *again, "--json"))["verdict"] == "better"
    out = place / f"my_{name}.py"
    assert slotforge(place, "export", winner, "--as", "python", "--out", str(out)).returncode == 0
    assert subprocess.run([sys.executable, str(out)], capture_output=True, check=False).returncode == 0


def test_a_verdict_on_the_published_test_set(place: Path) -> None:
    held = ("confirm", "priority=funsearch", "--instances", "weibull_1k_100:test", "--json", "--workers", "1")
    verdict = told(slotforge(place, *held))
    assert verdict["instances"] == 5
    assert verdict["ratio"] < 1


@pytest.mark.parametrize("name", NAMES)
def test_slots_and_families_are_listed(name: str, cli: Command) -> None:
    families = cli("list", "families", "--domain", name, "--json").json
    assert len(families) == (6 if name == "packing" else 3)
    slots = cli("list", "slots", "--domain", name, "--json").json
    assert [one["name"] for one in slots] == [SLOT[name]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("discover", "packing", "--instances", "weibull"), "no family called 'weibull'"),
        (("discover", "packing", "--instances", "weibull_1k_100:test"), "not to be searched on"),
        (("discover", "tsp", "--instances", "tsp50", "--slots", "priority"), "no slot called 'priority'"),
        (("confirm", "select_next=best", "--instances", "tsp50"), "no select_next called 'best'"),
        (("export", "priority=eoh", "--as", "solver", "--out", "x"), "no artefact 'solver' for packing"),
    ],
)
def test_bad_use_is_one_line_that_says_what_there_is(cli: Command, arguments: tuple[str, ...], said: str) -> None:
    ended = cli(*arguments)
    assert ended.code == 2
    assert said in ended.error
