"""What holds for every command: help, documentation, quick answers, one-line errors."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from slotforge.core import registry
from slotforge.core.ids import LARGEST_SEED
from slotforge.core.types import Budget, RunConfig, Suite, Trial
from slotforge.lineage import queries
from slotforge.lineage.store import open_store
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.search.report import Report
from slotforge.service.cli import COMMANDS, program
from slotforge.service.cli._progress import Display
from slotforge.testing import landscape
from slotforge.testing.fake_chat import failure, serve

from .conftest import Command, Found

ROOT = Path(__file__).parents[2]
NAMES = tuple(registry.names(COMMANDS))
HEAVY = ("ray", "sqlalchemy", "alembic", "langchain", "langchain_core", "openai", "pydantic", "numpy", "scipy", "rich")
HELP_CPU_S = 0.3


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_a_docstring_and_a_heading_in_the_documentation(cli: Command, name: str) -> None:
    answer = cli(name, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: slotforge {name}")
    command = registry.load(COMMANDS, name).command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help
    assert re.search(rf"^## {name}$", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    def options(command: click.Command) -> list[click.Option]:
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        own = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        return own + [option for one in inner for option in options(one)]

    assert [option.name for option in options(registry.load(COMMANDS, name).command) if not option.help] == []


def test_help_lists_every_command() -> None:
    assert tuple(program.list_commands(click.Context(program))) == NAMES
    assert set(NAMES) >= {"discover", "resume", "runs", "show", "best", "lineage", "diff", "confirm", "doctor", "db"}


def test_help_answers_within_its_cpu_seconds(python_main: list[str]) -> None:
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*python_main, "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(5)) < HELP_CPU_S


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in NAMES)])
def test_help_imports_nothing_heavy(arguments: list[str], python_main: list[str]) -> None:
    interpreter, flag, code = python_main
    probe = f"import sys, atexit; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules])); {code}"
    done = subprocess.run([interpreter, flag, probe, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_broken_pipe_is_no_traceback(python_main: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*python_main, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert "Traceback" not in done.stderr


def test_a_group_without_a_command_shows_its_help_and_exits_with_2(cli: Command) -> None:
    for arguments in ([], ["db"]):
        answer = cli(*arguments)
        assert answer.code == 2
        assert "Commands:" in answer.err


def test_list_names_every_kind(cli: Command) -> None:
    for kind in ("slots", "policies", "families", "strategies", "proposers", "executors"):
        rows = cli("list", kind, "--json").json
        assert rows
        assert all(row["description"] for row in rows)
        more = {"parameters", "operators"} if kind == "strategies" else set()
        assert all(set(row) == {"name", "description"} | more for row in rows)
        assert [line.split()[0] for line in cli("list", kind).out.splitlines()] == [row["name"] for row in rows]


def test_resume_of_an_unknown_run_is_one_line(cli: Command) -> None:
    answer = cli("resume", "abcdef")
    assert answer.code == 2
    assert "slotforge runs" in answer.error


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--instances", "nonsense"], "nonsense"),
        (["--instances", "./nowhere"], "./nowhere"),
        (["--instances", "tseitin", "--strategy", "nonsense"], "one_plus_lambda"),
        (["--instances", "tseitin", "--executor", "nonsense"], "inline"),
        (["--instances", "tseitin", "--slots", "nonsense"], "restart_due"),
        (["--instances", "tseitin", "--time", "soon"], "90s"),
        (["--instances", "tseitin", "--time", "9" * 400], "90s"),
        (["--instances", "tseitin", "--time", "0"], "more than 0"),
        (["--instances", "tseitin", "--time", "0.0m"], "more than 0"),
        (["--instances", "tseitin", "--usd", "nan"], "2.50"),
        (["--instances", "tseitin", "--novelty", "nan"], "no number"),
        (["--instances", "tseitin", "--tune-share", "nan"], "no number"),
        (["--instances", "tseitin", "--usd", "inf"], "2.50"),
        (["--instances", "tseitin", "--usd", "-1"], "2.50"),
        (["--instances", "tseitin", "--slots", ","], "empty name"),
        (["--instances", "tseitin,,miter"], "empty name"),
        (["--instances", "tseitin", "--problems", "miter,./nowhere"], "once, as tseitin,miter,./nowhere"),
        (["--instances", "tseitin", "--instances", "./nowhere"], "once, as tseitin,./nowhere"),
        (["--instances", "tseitin", "--limit", "9" * 26], "--limit"),
    ],
)
def test_a_search_that_cannot_begin_says_why_with_exit_2(cli: Command, arguments: list[str], word: str) -> None:
    answer = cli("discover", "sat", *arguments)
    assert answer.code == 2
    last = answer.err.splitlines()[-1]
    assert last.startswith("slotforge: ")
    assert word in last


@pytest.mark.parametrize(
    "arguments",
    [
        ["discover", "sat", "--instances", "tseitin"],
        ["confirm", "baseline", "--instances", "tseitin"],
        ["solve", "FILE"],
        ["generate", "tseitin", "--out", "OUT"],
        ["bench", "sat"],
        ["bench", "soundness"],
    ],
)
def test_a_seed_that_the_engine_does_not_take_is_refused_at_once(cli: Command, arguments: list[str]) -> None:
    answer = cli(*arguments, "--seed", 10**26)
    assert answer.code == 2
    assert "--seed" in answer.error
    assert cli("runs", "--json").json == []


def test_the_largest_seed_fits_engine_and_store(tmp_path: Path) -> None:
    config = RunConfig(
        domain="sat", instances=("sgen:15",), slots=("decay",), seed=LARGEST_SEED, budget=Budget(evals=1),
        executor="inline", options={"per_family": 6},
    )  # fmt: skip
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config, store=store).run()
        assert {m.seed for m in store.trials(report.run)[0].measurements} == {LARGEST_SEED}


def test_a_model_that_is_down_is_a_failure_with_the_line_that_goes_on(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    with serve(lambda _: failure(401)) as server:
        config = RunConfig(
            domain=landscape.NAME, instances=("a",), slots=("alpha",), model="openai:any", base_url=server.url,
            budget=Budget(evals=9), executor="inline", window=1, options={"per_family": 10},
        )  # fmt: skip
        with open_store(tmp_path / "s.db") as store:
            report = Discovery(config=config, store=store).run()
        answer = cli("resume", report.run, "--store", tmp_path / "s.db", "--json")
    assert report.state == "interrupted"
    assert report.cost.tokens == 0, "a server that refuses bills nothing"
    assert answer.code == 1
    assert answer.json["state"] == "interrupted"
    last = answer.err.splitlines()[-1]
    assert last.startswith("slotforge: ")
    assert "the key is refused" in answer.json["failure"]
    assert answer.json["failure"] in last
    assert f"slotforge resume {report.run}" in last


def test_a_search_that_the_user_ends_is_no_failure(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig(
        domain=landscape.NAME, instances=("a",), budget=Budget(evals=60), executor="inline", options={"per_family": 15}
    )
    told = Display.told

    def stop(self: Display, trial: Trial, archive: Archive) -> None:
        told(self, trial, archive)
        if trial.number == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Display, "told", stop)
    with open_store(tmp_path / "s.db") as store:
        run = store.create_run(config, landscape.domain().suite(("a",), seed=0, options=config.options), {})
    answer = cli("resume", run, "--store", tmp_path / "s.db", "--json")
    assert answer.code == 130
    assert (answer.json["state"], answer.json["failure"]) == ("interrupted", "")
    assert f"slotforge resume {run}" in answer.err


def test_a_folder_of_files_with_other_names_is_refused_in_a_few_lines(cli: Command, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.txt").touch()
    answer = cli("discover", "sat", "--instances", tmp_path)
    assert answer.code == 2
    assert "000.txt: not named like a CNF file, left out" in answer.err
    assert "... and 297 more: not named like a CNF file, left out" in answer.err
    assert len(answer.err.splitlines()) < 10


def test_warnings_about_instances_are_grouped_on_the_terminal_and_whole_in_the_document(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings = tuple(f"{number}.txt: not named like a CNF file, left out" for number in range(300))
    right = landscape.Landscape.suite

    def suite(*arguments: Any, **options: Any) -> Suite:
        return right(*arguments, **options).model_copy(update={"warnings": warnings})

    monkeypatch.setattr(landscape.Landscape, "suite", suite)
    config = RunConfig(
        domain=landscape.NAME, instances=("a",), budget=Budget(evals=1), executor="inline", options={"per_family": 15}
    )
    noted: list[str] = []
    watcher = Silent()
    monkeypatch.setattr(watcher, "note", noted.append, raising=False)
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=config, store=store, observer=watcher).run().run
    counted = "... and 297 more: not named like a CNF file, left out"
    assert [line for line in noted if line.endswith("left out")] == [*warnings[:3], counted]
    assert f"all 300 warnings stand in `slotforge show {run} --json`" in noted
    shown = cli("show", run, "--store", tmp_path / "s.db").out
    assert counted in shown
    assert shown.count("left out") == 4
    assert cli("show", run, "--store", tmp_path / "s.db", "--json").json["run"]["suite"]["warnings"] == [*warnings]


def test_resume_of_a_finished_run_prints_its_report_and_measures_nothing(cli: Command, copied: Found) -> None:
    for _ in range(2):
        answer = cli("resume", copied.report.run, "--store", copied.store, "--json")
        assert (answer.code, answer.err) == (0, "")
        assert Report.model_validate(answer.json) == copied.report
    assert copied.winner in cli("resume", copied.report.run, "--store", copied.store).out
    with open_store(copied.store) as store:
        assert len(queries.show_candidate(store, copied.winner).confirmations) == 1


def test_resume_goes_on_with_a_run_that_was_interrupted(cli: Command, tmp_path: Path) -> None:
    config = RunConfig(
        domain=landscape.NAME, instances=("a",), budget=Budget(evals=8), executor="inline", options={"per_family": 15}
    )

    class Stopping(Silent):
        """Stops the search after a few trials."""

        def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
            if trial.number == 3:
                raise KeyboardInterrupt

    with open_store(tmp_path / "s.db") as store, pytest.raises(KeyboardInterrupt):
        Discovery(config=config, store=store, observer=Stopping()).run()
    (row,) = cli("runs", "--store", tmp_path / "s.db", "--json").json
    assert row["state"] == "interrupted"
    document = cli("resume", row["id"], "--store", tmp_path / "s.db", "--json").json
    assert (document["state"], document["trials"]) == ("finished", 8)
    assert list(document) == [
        "run", "state", "failure", "trials", "raced_before", "states", "repairs", "models", "staleness", "baseline",
        "best", "holdout", "controls", "ablation", "library", "cost",
    ]  # fmt: skip
