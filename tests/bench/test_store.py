"""A large store and the service on it are measured: here at a small size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slotforge.bench._filled import Size
from slotforge.bench._result import Result
from slotforge.bench.store import asked, filled
from slotforge.lineage import queries
from slotforge.lineage.store import open_store
from slotforge.service.cli.bench import command
from slotforge.testing import postgres

SMALL = ("--trials", "1000", "--measurements", "6000", "--runs", "5")
SIZE = Size(runs=5, trials=1_000, largest=400, measurements=6_000)


def bench(tmp_path: Path, *options: str) -> Result:
    ended = CliRunner().invoke(command, [*options, "--out", str(tmp_path), "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return Result.model_validate(json.loads(ended.stdout))


def needs(database: str) -> None:
    if database == "postgres" and (missing := postgres.missing()):
        pytest.skip(f"PostgreSQL is not measured: {missing}")


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_store_is_filled_as_large_as_it_is_asked_for(database: str) -> None:
    needs(database)
    with filled(database, SIZE) as (where, facts), open_store(where) as store:
        listed = queries.runs(store)
        assert sorted(run.trials + 1 for run in listed) == [150, 150, 150, 150, 400]
        assert facts["measurements"] == pytest.approx(SIZE.measurements, rel=0.1)
        assert all(len(queries.lineage(store, id_)) > depth for id_, depth in list(facts["deep"].items())[:5])
        answers: dict[str, Any] = {name: ask() for name, ask in asked(store, facts).items()}
        assert all(answers.values())
        shown = answers["run of a tenth of all trials"]
        assert sum(shown.states.values()) == 400
        assert shown.usage.calls == 399


def test_the_same_store_is_filled_again() -> None:
    found = []
    for _ in range(2):
        with filled("sqlite", SIZE) as (where, facts), open_store(where) as store:
            found.append((facts["runs"], facts["deep"], [queries.show_run(store, run) for run in facts["runs"]]))
    assert found[0] == found[1]


def test_answers_are_timed(tmp_path: Path) -> None:
    result = bench(tmp_path, "store", *SMALL, "--repeat", "3")
    assert {"best of a domain", "run", "lineage, 200 generations"} <= set(result.figures["queries"])
    assert all(0 < of["p50_ms"] <= of["p95_ms"] for of in result.figures["queries"].values())


def test_the_service_answers_under_load_while_a_search_runs(tmp_path: Path) -> None:
    load = ("--rate", "40", "--seconds", "3", "--warm-up", "1", "--streams", "10")
    result = bench(tmp_path, "service", *SMALL, *load)
    assert result.errors == ()
    assert result.figures["requests, with those before"] == 160
    assert [row[:2] for row in result.tables[0].rows[-2:]] == [("all", 120), ("the first 1 s before", 40)]
    assert result.figures["event streams open at the end"] == 10
    assert result.figures["CPU ms of the server for each"] > 0
