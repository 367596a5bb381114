"""The tables on which the field compares: what must come out as published, and candidates beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from slotforge.bench import packing, tsp
from slotforge.bench._result import Result
from slotforge.bench._tables import candidates, disagreements, table
from slotforge.core.errors import UsageError
from slotforge.service.cli.bench import command

RESULTS = Path(__file__).parents[2] / "bench" / "results"


def bench(out: Path, name: str, *options: str) -> Result:
    ended = CliRunner().invoke(command, [name, *options, "--json", "--out", str(out)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return Result.model_validate(json.loads(ended.stdout))


def test_bin_packing_comes_out_as_published(tmp_path: Path) -> None:
    result = bench(tmp_path, "packing", "--policy", "best_fit", "--policy", "first_fit")
    assert result.errors == ()
    for ours, theirs in packing.SAME.items():
        assert [round(gap, 2) for gap in result.figures["gaps"][ours].values()] == list(packing.PUBLISHED[theirs])


def test_tours_are_measured_on_as_many_instances_as_one_likes(tmp_path: Path) -> None:
    result = bench(tmp_path, "tsp", "--count", "10", "--policy", "nearest", "--policy", "farthest")
    gaps = result.figures["gaps"]
    assert all(gaps["nearest"][size] < gaps["farthest"][size] for size in tsp.SETS)
    assert [row[0] for row in result.tables[0].rows][:3] == ["nearest", "farthest", "published: nearest neighbour"]


@pytest.mark.parametrize("name", ["packing", "tsp"])
def test_the_kept_results_have_no_errors_and_are_complete(name: str) -> None:
    result = Result.model_validate_json((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert result.errors == ()
    module = packing if name == "packing" else tsp
    assert set(module.SAME) <= set(result.figures["gaps"])


def test_a_figure_that_differs_is_an_error() -> None:
    own = {"best_fit": {"a": 4.77, "b": 0.26}}
    (said,) = disagreements(own, {"Best Fit": (4.77, 0.25)}, {"best_fit": "Best Fit"}, within=0.005)
    assert said == "best_fit on b: 0.260 %, and 0.25 % was published"


def test_a_table_has_the_published_rows_below_with_averages() -> None:
    made = table("t", {"x": {"a": 1.0, "b": 2.0}}, {"y": (3.0, 4.0)}, ("a", "b"), "n")
    assert made.rows == (("x", "1.00", "2.00", "1.50"), ("published: y", "3.00", "4.00", "3.50"))


def test_what_is_no_policy_is_named() -> None:
    with pytest.raises(UsageError, match="no priority called 'nothing'"):
        candidates("packing", ["nothing"], [], None)
