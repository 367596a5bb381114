"""What is said of a winner beside its verdict: controls, what each slot does, and what earlier runs offered."""

from __future__ import annotations

import pytest

from slotforge.core.types import CAP, RunConfig
from slotforge.search.report import Control, Offered, Report
from slotforge.service.cli._report import print_report
from slotforge.testing import landscape

from .conftest import Command, Found

CONFIG = RunConfig(domain=landscape.NAME, instances=("a",))


def printed(report: Report, capsys: pytest.CaptureFixture[str], domain: str = landscape.NAME) -> str:
    capsys.readouterr()
    print_report(report, CONFIG.model_copy(update={"domain": domain}))
    return capsys.readouterr().out


def test_a_run_shows_its_tuned_baseline_and_its_winner_taken_apart(cli: Command, found: Found) -> None:
    shown = cli("show", found.report.run, "--store", found.store).out
    again = cli("resume", found.report.run, "--store", found.store).out
    ablation = found.report.ablation
    assert ablation is not None
    for text in (shown, again):
        assert f"control: tuned baseline ({found.report.controls['tuned_baseline'].name})" in text
        assert "the winner taken apart" in text
        assert all(line in text for line in ablation.words)
    document = cli("show", found.report.run, "--store", found.store, "--json").json["run"]["report"]
    assert [part["slot"] for part in document["ablation"]["parts"]] == [part.slot for part in ablation.parts]
    assert set(document["ablation"]["parts"][0]["without"]) == {"ratio", "low", "high"}


def test_every_piece_of_a_winner_can_be_shown_by_its_id(cli: Command, found: Found) -> None:
    assert found.report.ablation is not None
    for part in found.report.ablation.parts:
        details = cli("show", part.without_candidate, "--store", found.store, "--json").json
        assert part.slot not in details["candidate"]["slots"]
        assert set(found.report.best.slots) == {part.slot, *details["candidate"]["slots"]}


def test_a_winner_that_tuning_alone_matches_is_called_that(found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    assert found.report.holdout is not None
    cheap = Control(candidate="abcd", name="beta", ratio=found.report.holdout.ratio, low=0.1, high=0.2)
    assert "with tuned numbers, costs no more: search longer, or use abcd" in printed(_with(found, cheap), capsys)
    dear = cheap.model_copy(update={"ratio": found.report.holdout.ratio + 0.1})
    assert "costs no more" not in printed(_with(found, dear), capsys)
    same = cheap.model_copy(update={"candidate": found.report.baseline.candidate})
    assert "costs no more" not in printed(_with(found, same), capsys)


@pytest.mark.parametrize(
    ("domain", "name", "told"),
    [
        ("sat", "restart_due=Luby", "slotforge solve FILE.cnf --heuristics restart_due=Luby"),
        ("optim", "step=adam", "slotforge export step=adam --as torch --out my_rule.py"),
        ("packing", "priority=eoh", "slotforge export priority=eoh --as python --out my_packing.py"),
        ("tsp", "select_next=ael", "slotforge export select_next=ael --as python --out my_tour.py"),
    ],
)
def test_a_built_in_policy_that_costs_no_more_is_named_as_its_domain_uses_it(
    domain: str, name: str, told: str, found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found.report.holdout is not None
    cheap = Control(candidate="abcd", name=name, ratio=found.report.holdout.ratio, low=0.1, high=0.2)
    report = found.report.model_copy(
        update={"controls": {"baseline": found.report.controls["baseline"], "best_builtin": cheap}}
    )
    assert f"costs no more: search longer, or use it ({told})" in printed(report, capsys, domain)
    made_of_it = report.model_copy(update={"best": report.best.model_copy(update={"policies": name})})
    assert f"search longer, or use them ({told})" in printed(made_of_it, capsys, domain)


def test_policies_that_lost_are_not_recommended(found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    assert found.report.holdout is not None
    lost = found.report.holdout.model_copy(update={"verdict": "no difference", "ratio": CAP, "low": CAP, "high": CAP})
    best = found.report.best.model_copy(update={"policies": "step=sgd"})
    text = printed(found.report.model_copy(update={"best": best, "holdout": lost, "controls": {}}), capsys)
    assert "policies, which cost more than the unchanged solver: search longer" in text
    assert "8 times as much or more counts as 8" in text
    assert "use them" not in text
    assert "counts as 8" not in printed(found.report, capsys)


def test_where_the_solver_as_it_ships_costs_less_nothing_else_is_recommended(
    found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found.report.holdout is not None
    dear = {"verdict": "no difference", "ratio": 1.16, "low": 0.9, "high": 1.5}
    tuned = Control(candidate="abcd", name="beta", ratio=1.06, low=0.9, high=1.2)
    lost = _with(found, tuned).model_copy(update={"holdout": found.report.holdout.model_copy(update=dear)})
    text = printed(lost, capsys, "sat")
    assert "the unchanged solver costs less: search longer, or keep to it" in text
    assert "or use" not in text
    assert "export" not in text
    cheap = _with(found, tuned.model_copy(update={"ratio": 0.97})).controls
    text = printed(lost.model_copy(update={"controls": cheap}), capsys, "sat")
    assert "with tuned numbers, costs no more: search longer, or use abcd" in text
    assert "keep to it" not in text
    rule = printed(lost, capsys, "optim")  # its baseline is a solver for each family, none of them at hand
    assert "or use abcd" in rule
    assert "export" in rule
    assert "keep to it" not in rule


def _with(found: Found, tuned: Control) -> Report:
    controls = {"baseline": found.report.controls["baseline"], "tuned_baseline": tuned}
    return found.report.model_copy(update={"controls": controls})


def test_what_the_library_offered_is_told_with_how_to_do_without(
    found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "library" not in printed(found.report, capsys)
    offered = (Offered(candidate="abcd", state="scored", ratio=0.75), Offered(candidate="ef01", state="failed"))
    text = printed(found.report.model_copy(update={"library": offered}), capsys)
    assert "from the library, and raced before the search: abcd (0.750), ef01 (failed); --no-library" in text
    assert "earlier run found" not in text
    own = (Offered(candidate=found.report.best.candidate, state="scored", ratio=0.5),)
    text = printed(found.report.model_copy(update={"library": own}), capsys)
    assert "no proposal did better than what an earlier run found" in text
