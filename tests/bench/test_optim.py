"""The benchmark of step rules: its parts run, and what it writes up follows from what it measured."""

from __future__ import annotations

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from slotforge.bench import _baselines, _claims, _rulebook, _throughput, optim
from slotforge.bench._baselines import Row
from slotforge.bench._course import race
from slotforge.bench._result import Result
from slotforge.core import registry
from slotforge.service.cli.bench import command
from slotforge.solvers.optim import builtin, case

DOCS = Path(__file__).parents[2] / "docs"


def bench(out: Path, *options: str) -> Result:
    ended = CliRunner().invoke(command, ["optim", *options, "--json", "--out", str(out)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    result = Result.model_validate(json.loads((out / "optim.json").read_text()))
    for table in result.tables:
        assert f"## {table.title}" in (out / "optim.md").read_text()
        assert all(len(row) == len(table.columns) for row in table.rows)
    return result


def test_throughput_and_a_claim_are_measured_in_processes_of_their_own(tmp_path: Path) -> None:
    case_ = "logistic 256 x 32, plain"
    options = ("--part", "throughput", "--part", "claims", "--rounds", "1", "--case", case_, "--claim", "tracking")
    result = bench(tmp_path, *options)
    found = result.figures["throughput"]
    assert found[case_]["dtype"] == "float32"
    assert all(rate > 0 for rate in found[case_]["rates"].values())
    assert found[case_]["rates"]["W=36"] > found[case_]["rates"]["W=1"]
    for peer in ("optax", "torch"):
        assert (peer in found["skipped"]) != (peer in found[case_]["rates"])
    assert result.figures["claims"]["tracking"]["holds"]
    assert result.tables[-1].rows[0][-1] == "yes"


def test_curves_score_every_rule_against_the_best_specialist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    result = bench(tmp_path, "--part", "curves", "--problems", "1", "--family", "matrix_sensing")
    scores = result.figures["curves"]["scores"]
    assert scores[optim.REFERENCE]["score"] == pytest.approx(1.0)
    assert all(1 / 8 - 1e-9 <= one["score"] <= 8 for one in scores.values())
    assert "matrix_sensing" in set(ElementTree.parse(tmp_path / "optim.svg").getroot().itertext())


def test_an_unknown_claim_is_refused() -> None:
    ended = CliRunner().invoke(command, ["optim", "--part", "claims", "--claim", "nothing"])
    assert ended.exit_code == 2
    assert "heavy_ball_root" in ended.output


def test_peers_that_are_not_installed_are_named_and_left_blank() -> None:
    rates = {f"W={width}": 10.0 for width in _throughput.WIDTHS} | {"optax": 5.0}
    told = {"dtype": "float32", "stride": 64, "rates": rates, "compile_s": {str(w): 1.0 for w in _throughput.WIDTHS}}
    table = optim.throughput_tables({"skipped": ["torch"], "MLP 64-32-10, plain": told}, "adam")[0]
    assert "torch is not installed" in table.note
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["torch loop"], row["over torch"], row["over optax"], row["aim"]) == (None, None, 2.0, 80.0)


def row(rule: str, calls: float, *, frozen: bool, spec: str = "policy:gamma=0.9") -> Row:
    reached = 2 if math.isfinite(calls) else 0
    return Row(spec=spec, rule=rule, calls=calls, reached=reached, problems=2, frozen=frozen)


def test_frozen_and_live_baselines_stand_apart_and_what_was_left_is_named() -> None:
    rows = [row("a", 10, frozen=True), row("b", math.inf, frozen=False)]
    first, second = optim.baseline_tables(rows, ["c on mlp"])
    assert first.rows[0][1:4] == ("a", 10, "2 of 2")
    assert second.rows[0][1:4] == ("b", None, "0 of 2")
    assert "c on mlp" in second.note
    assert "c on mlp" not in first.note


def test_no_contest_begins_when_the_cpu_seconds_are_spent() -> None:
    live = _baselines.Live(problems=1, cpu_s=0.0)
    assert list(live.rows()) == []
    assert "selection=plus on planted" in live.left


def test_every_rule_but_what_does_nothing_is_measured_on_a_family() -> None:
    measured = {ref for rules in _baselines.PLACES.values() for ref in rules}
    measured |= {ref for name in registry.names(case.PROBLEMS) for ref in case.family(name).specialists}
    parts = {part if "=" in part else f"step={part}" for ref in measured for part in ref.split(",")}
    nothing = {"transform=identity", "precondition=identity", "schedule=constant", "restart=none"}
    assert {f"{slot}={name}" for slot in builtin.SLOTS for name in builtin.rules(slot)} - parts == nothing


def test_claims_name_rules_that_exist() -> None:
    known = {f"{slot}/{name}" for slot in builtin.SLOTS for name in builtin.rules(slot)}
    known |= {f"{builtin.SEARCH}/{name}" for name in builtin.searches()}
    assert {rule for one in _claims.CLAIMS.values() for rule in one.rules} <= known
    assert len(_claims.CLAIMS) > 30


@pytest.mark.parametrize("name", ["heavy_ball_root", "samples_where_needed"])
def test_a_claim_gives_figures_and_a_word_that_follows_from_them(name: str) -> None:
    figures, holds = _claims.CLAIMS[name].measure()
    assert len(figures) > 2
    assert holds
    assert all(isinstance(value, float) for value in figures.values())


def test_a_course_counts_calls_of_the_best_trial_and_questions_besides_the_gradient() -> None:
    spec = "least_squares:d=10:kappa=10"
    course = race(spec, "sgd", 200, hps=[{"lr": 1e-4}, {"lr": 0.15}])
    alone = race(spec, "sgd", 200, hps=[{"lr": 0.15}])
    assert course.to(1e-3) == alone.to(1e-3) < math.inf
    assert course.end() == pytest.approx(alone.end())
    assert race(spec, "conjugate_gradient", 20, hps=[{}]).step_calls == 3
    assert race(spec, "sgd", 50, hps=[{"lr": 10.0}]).to(1e-3) == math.inf


def test_rounds_count_calls_that_wait_for_one_another() -> None:
    spec = "least_squares:d=10:kappa=10"
    asking = race(spec, "optex", 20, hps=[{}])
    assert (asking.step_calls, asking.step_rounds) == (6, 2)
    alone = race(spec, "sgd", 200, hps=[{"lr": 0.15}])
    assert alone.rounds(1e-3) == alone.to(1e-3)


def test_every_rule_has_its_row_in_the_docs_with_its_paper() -> None:
    lines = (DOCS / "rules.md").read_text(encoding="utf-8").split("\n## ")
    sections = {part.partition("\n")[0]: part for part in lines[1:]}
    for slot in builtin.SLOTS:
        for name, source in builtin.rules(slot).items():
            (found,) = [line for line in sections[slot].splitlines() if line.startswith(f"| `{name}` ")]
            title, _, paper = _rulebook.described(source)
            assert found.startswith(f"| `{name}` {title} |")
            assert paper.replace("|", "\\|") in found


def test_the_rule_book_is_made_of_the_frozen_contests_and_the_kept_measurements() -> None:
    kept = json.loads((DOCS.parent / "bench" / "results" / "optim.json").read_text(encoding="utf-8"))
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == _rulebook.render(kept)


def test_the_rule_book_tells_frozen_and_live_calls_and_whether_a_claim_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [row("pmd_geometric", 60, frozen=True), row("natural_policy_gradient", 90, frozen=True)]
    monkeypatch.setattr(_rulebook, "frozen", lambda: iter(told))
    live = vars(row("softmax_policy_gradient", math.inf, frozen=False)) | {"calls": None}
    claims = {"growing_steps": {"figures": {"growing": 61.0, "constant": None}, "holds": True}}
    stale = vars(told[0]) | {"calls": 70}  # as it was frozen when the others were measured
    text = _rulebook.render({"figures": {"baselines": {"rows": [live, stale]}, "claims": claims}})
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert "policy: 60 calls in its first case, the best in 1 of 1 cases" in lines["pmd_geometric"]
    assert "claim reproduced (growing 61; constant -)" in lines["pmd_geometric"]
    assert "the best in 0 of 1 cases" in lines["natural_policy_gradient"]
    assert "policy, as `softmax_policy_gradient`: missed on 0 of 2 problems" in lines["softmax_policy_gradient"]


def test_every_family_stands_in_the_docs_with_its_knobs() -> None:
    text = (DOCS / "step-rules.md").read_text(encoding="utf-8")
    for name in registry.names(case.PROBLEMS):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` ")]
        assert all(knob in line for knob in case.family(name).knobs)
        assert f"| `{name}` " in _rulebook.families()
