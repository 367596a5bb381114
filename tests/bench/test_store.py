"""A large store and the service on it are measured: here at a small size."""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slotforge.bench._callers import bearer
from slotforge.bench._filled import Size
from slotforge.bench._mixes import MIXES, PAGE, plan
from slotforge.bench._result import Result
from slotforge.bench.store import GOAL_MS, asked, filled, pages
from slotforge.lineage import migrations, queries
from slotforge.lineage.reads.yields import yields
from slotforge.lineage.store import open_store
from slotforge.search.report import read
from slotforge.service.cli.bench import command
from slotforge.testing import postgres

SMALL = ("--trials", "1000", "--measurements", "6000", "--runs", "5")
PAGE_OF_TWO = {"next": "2", "items": [{"candidate": "a"}, {"candidate": "b"}]}
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
        for record in (queries.show_run(store, run) for run in facts["runs"]):
            report = read(record.run.report)
            assert report is not None
            assert report.states == record.states
            assert (report.cost.tokens, report.cost.usd) == (record.usage.tokens, pytest.approx(record.usage.usd))
        shown = answers["run of a tenth of all trials"]
        assert sum(shown.states.values()) == 400
        assert shown.usage.calls == 399


def test_the_same_store_is_filled_again() -> None:
    found = []
    for _ in range(2):
        with filled("sqlite", SIZE) as (where, facts), open_store(where) as store:
            found.append((facts["runs"], facts["deep"], [queries.show_run(store, run) for run in facts["runs"]]))
    assert found[0] == found[1]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_store_that_an_older_version_has_left_is_brought_up_to_date(database: str) -> None:
    needs(database)
    with tempfile.TemporaryDirectory() as folder:  # one that the user of PostgreSQL may enter
        with filled(database, SIZE, Path(folder)) as (where, _):
            migrations.downgrade(where, "0005")
        with filled(database, SIZE, Path(folder)) as (where, facts), open_store(where) as store:
            assert [model.trials for model in yields(store, facts["runs"][0]).models] == [399]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_pages_of_runs_are_asked_for_as_a_browser_does_and_leave_the_store_as_it_was(database: str) -> None:
    needs(database)
    with filled(database, SIZE) as (where, facts), open_store(where) as store:
        before = store.run(facts["runs"][0])
        found = [(name, ask(), store.run(before.id).state) for name, ask in pages(store, facts)]
        assert all("<h2>Operators and models</h2>" in html and "mutate" in html for _, html, _ in found)
        assert all("cannot be read" not in html for _, html, _ in found)
        assert [state for *_, state in found] == ["finished", "finished", "running"]
        assert store.run(before.id) == before


def test_answers_are_timed_and_goals_that_are_missed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GOAL_MS, "sqlite", 1e9)
    result = bench(tmp_path, "store", *SMALL, "--repeat", "3")
    assert result.figures["missed"] == []
    assert "which all reach" in result.tables[0].note
    monkeypatch.setitem(GOAL_MS, "sqlite", result.figures["queries"]["page of a run"]["p50_ms"] / 1e6)
    missed = bench(tmp_path, "store", *SMALL, "--repeat", "3")
    assert missed.figures["missed"] == list(missed.figures["queries"])
    assert "missed by best of a domain; " in missed.tables[0].note
    assert {"best of a domain", "run", "page of a run", "lineage, 200 generations"} <= set(result.figures["queries"])
    assert all(0 < of["p50_ms"] <= of["p95_ms"] for of in result.figures["queries"].values())


@pytest.mark.parametrize("mix", MIXES)
def test_the_service_answers_under_load_while_a_search_runs(mix: str, tmp_path: Path) -> None:
    load = ("--rate", "40", "--seconds", "3", "--warm-up", "1", "--streams", "10", "--mix", mix, "--callers", "3")
    result = bench(tmp_path, "service", *SMALL, *load)
    assert result.errors == ()
    assert result.figures["requests, with those before"] == 160
    *kinds, everything, early = result.tables[0].rows
    assert (everything[:3], early[:3]) == (("all", 100, 120), ("the first 1 s before", None, 40))
    assert {row[0]: row[1] for row in kinds if row[0] != "all pages"}.items() <= MIXES[mix].items()
    assert ("all pages" in {row[0] for row in kinds}) == (mix == "people")
    assert result.figures["event streams open at the end"] == 10
    assert result.figures["CPU ms of the server for each"] > 0


def test_requests_are_drawn_as_often_as_their_mix_says(tmp_path: Path) -> None:
    with filled("sqlite", SIZE, tmp_path) as (_, facts):
        drawn = plan("people", facts, 20_000, random.Random(0), lambda _: PAGE_OF_TWO)
    of = Counter(kind for kind, _ in drawn)
    assert all(abs(of[kind] - 200 * weight) < 5 * (200 * weight) ** 0.5 for kind, weight in MIXES["people"].items())
    paths = dict(drawn)
    assert paths["further of the best"].endswith("&limit=100&cursor=2")
    assert all(kind.startswith(PAGE) != path.startswith(("/v1/", "/health")) for kind, path in drawn)


def test_a_store_that_was_served_with_keys_is_measured_again(tmp_path: Path) -> None:
    with filled("sqlite", SIZE, tmp_path) as (where, facts), open_store(where) as store:
        bearer(store, ("read",))
        assert all("mutate" in ask() for _, ask in pages(store, facts))
