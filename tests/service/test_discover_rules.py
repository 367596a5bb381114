"""Step rules through the command line: searched for, shown, confirmed, exported, resumed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command

MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
FAMILY = ("--problems", "least_squares:d=20", "--per-family", "15")
SEARCH = ("discover", "optim", *FAMILY, "--seed", "1", "--workers", "2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Path:
    home = tmp_path_factory.mktemp("rules")
    (home / "jax").symlink_to(builds.with_name("jax"))
    return home


def slotforge(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a home and a store of its own."""
    environment = {"SLOTFORGE_HOME": str(place), "PATH": "/usr/bin:/bin", "HOME": str(place)}
    return subprocess.run([*MAIN, *arguments], env=environment, capture_output=True, text=True, check=False)


def told(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


@pytest.fixture(scope="module")
def report(place: Path) -> dict[str, Any]:
    return told(slotforge(place, *SEARCH, "--slots", "step", "--evals", "6", "--json"))


def test_a_search_ends_with_the_same_document_as_that_of_a_solver(report: dict[str, Any]) -> None:
    assert (report["state"], report["trials"]) == ("finished", 6)
    assert set(report) == {
        *("run", "state", "failure", "trials", "raced_before", "states", "repairs", "models", "staleness"),
        *("baseline", "best", "holdout", "controls", "ablation", "library", "cost"),
    }
    assert report["holdout"]["instances"] == 6
    assert report["best"]["slots"]["step"].startswith('"""')
    assert set(report["controls"]) == {"baseline", "best_builtin"}


def test_the_policies_of_the_literature_come_first_and_the_search_goes_on_from_there(report: dict[str, Any]) -> None:
    assert report["best"]["ratio_search"] < 3  # plain gradient descent needs several times as much


def test_a_search_from_scratch_begins_at_gradient_descent(place: Path) -> None:
    few = ("--per-family", "5", "--slots", "step", "--evals", "2")  # no verdict comes of so few, and none is wanted
    made = told(slotforge(place, *SEARCH, *few, "--start", "default", "--json"))
    shown = told(slotforge(place, "show", made["run"], "--json"))
    assert shown["run"]["config"]["options"]["start"] == "default"
    assert made["controls"]["best_builtin"]["name"] == "step=sgd"


def test_without_a_model_a_search_rises_from_gradient_descent(place: Path) -> None:
    rise = ("discover", "optim", "--problems", "least_squares:d=20", "--per-family", "12", "--seed", "1")
    settings = ("--slots", "step", "--evals", "20", "--start", "default", "--no-library", "--no-tuned-baseline")
    made = told(slotforge(place, *rise, *settings, "--json"))
    descent = made["controls"]["best_builtin"]
    assert descent["name"] == "step=sgd"
    assert made["best"]["ratio_select"] < 0.8 * descent["ratio"]
    assert made["holdout"]["ratio"] < 0.8 * descent["ratio"]


def test_the_winner_is_shown_confirmed_and_exported(place: Path, report: dict[str, Any]) -> None:
    candidate = report["best"]["candidate"]
    shown = slotforge(place, "show", candidate)
    assert shown.returncode == 0, shown.stderr
    assert "def update(xp, g, state, p, hp, t, aux):" in shown.stdout
    again = ("confirm", candidate, "--against", "step=sgd", "--problems", "least_squares:d=30", "--per-family", "6")
    assert told(slotforge(place, *again, "--json"))["verdict"] == "better"
    out = place / "mine.py"
    assert slotforge(place, "export", candidate, "--as", "scipy", "--out", str(out)).returncode == 0
    assert subprocess.run([sys.executable, str(out)], capture_output=True, check=False).returncode == 0


def test_the_same_seed_gives_the_same_search(place: Path, report: dict[str, Any]) -> None:
    again = told(slotforge(place, *SEARCH, "--slots", "step", "--evals", "6", "--workers", "1", "--json"))
    for part in ("states", "best", "holdout"):
        mine, other = again[part], report[part]
        if part == "holdout":
            mine, other = ({key: one[key] for key in ("ratio", "low", "high", "p", "verdict")} for one in (mine, other))
        assert mine == other, part


@pytest.mark.parametrize(
    ("rule", "problems", "slot"),
    [
        ("selection=comma", "least_squares", "selection"),
        ("sampling=mixed,step=sgd", "least_squares,logistic", "sampling"),
        ("step=adam", "planted", "step"),
    ],
)
def test_a_slot_that_has_no_part_in_the_problems_is_not_confirmed_there(
    cli: Command, rule: str, problems: str, slot: str
) -> None:
    ended = cli("confirm", rule, "--problems", problems, "--per-family", "3")
    assert ended.code == 2
    assert f"slot {slot} has no part in {problems.replace(',', ', ')}" in ended.error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--problems", "nonsense"), "no problem called 'nonsense'"),
        (("--problems", "policy:gama=0.9"), "'gama=0.9' is no setting of policy"),
        (("--problems", "policy", "--slots", "restart_due"), "no slot called 'restart_due'"),
        (("--problems", "policy", "--slots", "selection"), "slot selection has no part in policy: choose from step"),
        (("--problems", "planted", "--slots", "step"), "slot step has no part in planted: choose from selection"),
        (("--problems", "least_squares:kappa=-5"), "least_squares:kappa=-5: kappa=-5 must be at least 1"),
    ],
)
def test_bad_use_is_one_line_that_says_what_there_is(cli: Command, arguments: tuple[str, ...], said: str) -> None:
    ended = cli("discover", "optim", *arguments, "--evals", "1")
    assert ended.code == 2
    assert said in ended.error
