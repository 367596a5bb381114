"""Step rules on the command line: files of them, what they are exported as, and with which numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import slotforge
from slotforge.core.types import Budget, Candidate, Measurement, Outcome, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.service.cli._candidates import resolve
from slotforge.solvers.optim import builtin

RESTART = Candidate(domain="optim", slots={"restart": builtin.rules("restart")["lookahead"]})
TWO = "restart=lookahead,transform=clip"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Keep a candidate that replaces one slot, measured with the default step on three problems."""
    place = tmp_path / "store.db"
    config = RunConfig(domain="optim", instances=("f",), slots=("restart",), budget=Budget(evals=1))
    told = [
        Measurement(
            candidate=RESTART.id, instance=str(lr), family="f", seed=0, outcome=Outcome.SOLVED, cost=50, cpu_s=0.1,
            stats={"best step.lr": lr},
        )
        for lr in (0.25, 0.5, 4.0)
    ]  # fmt: skip
    with open_store(place) as opened:
        run = opened.create_run(config, Suite(search=(), select=(), holdout=()), {})
        for number, (candidate, measured) in enumerate(((Candidate(domain="optim"), ()), (RESTART, tuple(told)))):
            opened.record(
                Trial(
                    run=run, number=number, operator="default", slots=tuple(candidate.slots), parents=(),
                    state=TrialState.SCORED, candidate=candidate, ratio=1.0, instances=3, measurements=measured,
                )
            )  # fmt: skip
    return place


def line(text: str, start: str) -> str:
    return next(one for one in text.splitlines() if one.startswith(start))


def test_an_export_has_the_numbers_that_were_found_unless_others_are_asked_for(
    store: Path, tmp_path: Path, cli: Any
) -> None:
    export = ("export", RESTART.id, "--as", "scipy", "--store", store, "--out")
    assert cli(*export, tmp_path / "found.py").code == 0
    text = (tmp_path / "found.py").read_text()
    assert "'step.lr': 0.5" in line(text, "NUMBERS")
    assert "medians of the best" in text
    assert cli(*export, tmp_path / "own.py", "--numbers", "declared").code == 0
    assert "'step.lr': 0.01" in line((tmp_path / "own.py").read_text(), "NUMBERS")
    assert slotforge.optim.scipy(RESTART.id, store=str(store)).numbers["step.lr"] == 0.5
    assert slotforge.optim.scipy(RESTART.id, store=str(store), tuned=False).numbers["step.lr"] == 0.01


def test_show_tells_the_numbers_that_were_found(store: Path, cli: Any) -> None:
    shown = cli("show", RESTART.id, "--store", store)
    assert shown.code == 0, shown.err
    assert ["step.lr", "0.01", "0.5", "0.25", "4", "3"] in [one.split() for one in shown.out.splitlines()]


def test_a_picture_of_another_format_is_refused(store: Path, tmp_path: Path, cli: Any) -> None:
    shown = cli("show", RESTART.id, "--store", store, "--plot", tmp_path / "rule.png")
    assert shown.code == 2
    assert "drawn as SVG alone: write" in shown.error
    assert not (tmp_path / "rule.png").exists()


@pytest.mark.parametrize("ref", ["restart=lookahead", TWO])
@pytest.mark.parametrize("kind", ["rule", "scipy"])
def test_what_is_exported_is_taken_for_the_candidate(
    ref: str, kind: str, store: Path, tmp_path: Path, cli: Any
) -> None:
    path = tmp_path / ("found.txt" if kind == "rule" else "found.py")
    assert cli("export", ref, "--as", kind, "--out", path, "--store", store).code == 0
    assert resolve(str(path)) == resolve(ref)
    told = cli("diff", ref, path, "--store", store)
    assert (told.code, told.out) == (0, "")
    assert "no difference" in told.err


def test_a_file_takes_the_place_of_a_name(store: Path, tmp_path: Path, cli: Any) -> None:
    own = tmp_path / "clipper.py"
    own.write_text(builtin.rules("transform")["clip"])
    out = tmp_path / "found.py"
    first, second = (cli("export", f"transform={own}", "--as", "scipy", "--out", out, "--store", store) for _ in "ab")
    assert (first.code, second.code) == (0, 0)
    assert "in the place of what was there" not in first.err
    assert "in the place of what was there" in second.err
    assert "def rule_transform" in out.read_text()


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("slot=adam", "no slot called 'slot'"),
        ("step=adam,gait=adam", "no slot called 'gait': choose from step, transform"),
        ("baseline", "the baseline is the best tuned specialist of each family: name one rule"),
        ("step=rules/none.py", "rules/none.py: no such rule file"),
        ("step=adam,step=sgd", "slot step is given twice"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(
    ref: str, says: str, store: Path, tmp_path: Path, cli: Any
) -> None:
    told = cli("export", ref, "--as", "scipy", "--out", tmp_path / "found.py", "--store", store)
    assert told.code == 2
    assert says in told.error


def test_a_file_that_holds_nothing_is_refused_in_the_words_of_the_domain(store: Path, tmp_path: Path, cli: Any) -> None:
    path = tmp_path / "rule.txt"
    path.write_text("garbage here\n")
    told = cli("export", path, "--as", "torch", "--out", tmp_path / "found.py", "--store", store)
    assert "slot step: line 1" in told.error


def test_numbers_are_of_step_rules_alone(store: Path, tmp_path: Path, cli: Any) -> None:
    arguments = ("--as", "cpp", "--out", tmp_path / "found.hpp", "--numbers", "tuned", "--store", store)
    assert "--numbers is of step rules" in cli("export", "decay=EasySat", *arguments).error


def test_a_replay_file_has_no_numbers_to_choose(store: Path, tmp_path: Path, cli: Any) -> None:
    told = cli(
        "export", "r", "--as", "replay", "--out", tmp_path / "found.replay", "--numbers", "tuned", "--store", store
    )
    assert told.code == 2
    assert "--numbers is of step rules" in told.error
