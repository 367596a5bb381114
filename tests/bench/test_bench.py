"""Each benchmark runs, keeps what it measured, and reports what must not happen."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from slotforge.bench import _peers, _svg, boundary, sat
from slotforge.bench._peers import OURS, Run
from slotforge.bench._result import Result, Table, shown
from slotforge.core import registry
from slotforge.core.types import Instance
from slotforge.service.cli.bench import BENCHMARKS, command
from slotforge.solvers.sat import cnf

SMALL = ("--instances", "miter:4", "--instances", "parity:bits=8:samples=16:errors=2")


@pytest.fixture
def out(tmp_path: Path, builds: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (home := tmp_path / "home").mkdir()
    (home / "builds").symlink_to(builds)
    monkeypatch.setenv("SLOTFORGE_HOME", str(home))
    return tmp_path / "results"


def bench(out: Path, name: str, *options: str) -> Result:
    """Run a benchmark by its command, and read what it wrote."""
    ended = CliRunner().invoke(command, [name, *options, "--json", "--out", str(out)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    printed = json.loads(ended.stdout)
    assert printed == json.loads((out / f"{name}.json").read_text())
    result = Result.model_validate(printed)
    assert {"processor", "compiler", "python", "system"} <= set(result.machine)
    for table in result.tables:
        assert f"## {table.title}" in (out / f"{name}.md").read_text()
        assert all(len(row) == len(table.columns) for row in table.rows)
    return result


def test_every_benchmark_is_listed_and_explains_itself() -> None:
    listed = CliRunner().invoke(command, ["--help"]).output
    for name in registry.names(BENCHMARKS):
        assert name in listed
        assert "--out" in CliRunner().invoke(command, [name, "--help"], catch_exceptions=False).output
    assert CliRunner().invoke(command, ["nothing"]).exit_code == 2


def test_sat_measures_every_solver_on_every_instance(out: Path) -> None:
    result = bench(out, "sat", *SMALL, "--per-family", "3", "--limit", "5")
    assert result.figures["solved"]["all"] == dict.fromkeys(_peers.solvers(), 6)
    assert {row["family"] for row in result.figures["runs"]} == set(SMALL[1::2])
    for drawing in ("sat-cactus.svg", "sat-scatter.svg"):
        ElementTree.parse(out / drawing)


def test_ticks_compares_each_policy_with_the_default(out: Path) -> None:
    result = bench(out, "ticks", "--instances", "miter:6", "--ticks", "3000000")
    rates = result.figures["rates"]
    assert len(rates) > 60
    assert rates["default"]
    assert 0.3 < result.tables[0].rows[0][2] <= result.tables[0].rows[0][3] < 3


def test_loop_measures_each_length(out: Path) -> None:
    table = bench(out, "loop", "--trials", "20", "--trials", "40", "--rounds", "1").tables[0]
    assert [row[0] for row in table.rows] == ["20", "40"]
    assert all(isinstance(cell, float) and cell > 0 for row in table.rows for cell in row[1:])


def test_sandbox_measures_pairs(out: Path) -> None:
    figures = bench(out, "sandbox", "--pairs", "8").figures
    assert {name: len(values) for name, values in figures.items()} == {"bare": 8, "sandbox": 8, "above bare": 8}


def test_builds_search_alike_on_both_sides_of_the_boundary(out: Path) -> None:
    result = bench(out, "boundary", *SMALL, "--rounds", "2", "--ticks", "1000000")
    assert result.errors == ()
    assert [row[0] for row in result.tables[0].rows] == ["plug-in", "built-in"]


def test_build_measures_each_slot_cold_and_warm(out: Path) -> None:
    table = bench(out, "build", "--rounds", "1", "--fused-rounds", "0").tables[0]
    assert table.columns == ("slot", "cold", "warm", "bare", "without header")
    cold, warm = (float(str(table.rows[-1][i])) for i in (1, 2))
    assert warm < cold / 10


def test_soundness_counts_what_it_has_checked(out: Path) -> None:
    result = bench(out, "soundness", "--formulas", "60", "--variations", "0", "--jobs", "1")
    assert result.figures["counts"]["formulas"] == 60
    assert result.errors == ()


def row(name: str, status: str | None = None, **runs: Run) -> sat.Row:
    return sat.Row(instance=Instance(id=name, name=name, family="f", path="", status=status), runs=runs)


def test_an_unsolved_instance_costs_twice_the_limit() -> None:
    rows = [row("a", slotforge=Run(answer="sat", cpu_s=1.0), minisat22=Run(cpu_s=10.0))]
    rows += [row("b", slotforge=Run(cpu_s=10.0), minisat22=Run(answer="unsat", cpu_s=4.0))]
    result = sat.report(rows, [OURS, "minisat22"], 10.0, {})
    assert result.figures["par2"]["all"] == {OURS: 10.5, "minisat22": 12.0}
    assert result.figures["solved"]["all"] == {OURS: 1, "minisat22": 1}
    assert result.errors == ()


def test_disagreement_with_a_peer_or_with_the_known_status_is_an_error() -> None:
    rows = [row("a", slotforge=Run(answer="sat", cpu_s=1.0), minisat22=Run(answer="unsat", cpu_s=1.0))]
    rows += [row("b", "sat", slotforge=Run(answer="unsat", cpu_s=1.0), minisat22=Run(cpu_s=1.0))]
    errors = sat.report(rows, [OURS, "minisat22"], 10.0, {}).errors
    assert [error.partition(":")[0] for error in errors] == ["a", "b"]


def test_a_solver_that_passes_the_limit_has_not_solved_the_instance(tmp_path: Path) -> None:
    pigeons, holes = range(12), range(11)
    clauses = [[11 * p + h + 1 for h in holes] for p in pigeons]
    clauses += [[-(11 * p + h + 1), -(11 * q + h + 1)] for h in holes for p in pigeons for q in pigeons if p < q]
    cnf.write(cnf.Formula(variables=132, clauses=clauses), tmp_path / "pigeons.cnf")
    for name in (OURS, "minisat22"):
        run = _peers.solvers()[name](tmp_path / "pigeons.cnf", 0.2)
        assert (run.answer, run.cpu_s, run.fault) == ("unknown", 0.2, "")


@pytest.mark.parametrize("name", registry.names(BENCHMARKS))
def test_no_benchmark_replaces_published_results_unless_told_to(name: str) -> None:
    made = registry.load(BENCHMARKS, name).command
    assert {option.name: option.default for option in made.params}["out"] == "bench/measured"


def test_errors_end_a_benchmark_with_failure(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_peers, "ours", lambda path, limit: Run(answer="sat", cpu_s=0.1, fault="made up"))  # noqa: ARG005
    ended = CliRunner().invoke(command, ["sat", *SMALL[:2], "--per-family", "3", "--limit", "5", "--out", str(out)])
    assert ended.exit_code == 1
    assert "made up" in (out / "sat.md").read_text()


def test_the_interval_of_a_ratio_holds_its_mean() -> None:
    ratio, low, high = boundary.interval([([2.0, 2.2, 1.9], [1.0, 1.0, 1.0]), ([1.0, 1.1, 1.0], [0.5, 0.5, 0.5])])
    assert low < ratio < high
    assert ratio == pytest.approx(2.06, abs=0.02)


def test_drawings_hold_every_solver_and_every_instance() -> None:
    drawn = _svg.cactus({"a & b": [0.1, 2.0], "c": []}, 20.0)
    assert "a & b (2)" in ElementTree.fromstring(drawn).itertext()
    points = ElementTree.fromstring(_svg.scatter({"f": [(1.0, 2.0), (20.0, 0.0)]}, ("x", "y"), 20.0))
    assert len(points.findall(".//{http://www.w3.org/2000/svg}circle")) == 2


def test_figures_are_shown_with_three_digits() -> None:
    assert [shown(cell) for cell in (None, 3, 12345, 0.12345, 12345.6, "x")] == [
        "-",
        "3",
        "12,345",
        "0.123",
        "12,346",
        "x",
    ]
    table = Table(title="t", columns=("a", "b"), rows=(("x", 1.5),), note="How to read it.")
    markdown = Result(benchmark="x", settings={"seed": 1}, tables=(table,), figures={}).markdown()
    assert "| a | b |\n| --- | ---: |\n| x | 1.5 |\n\nHow to read it." in markdown
