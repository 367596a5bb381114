"""The commands that ask the store, for people and as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from slotforge.core.comparison import Pair
from slotforge.core.types import Candidate, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.verdict import verdict
from slotforge.service.cli import _console, _curve
from slotforge.service.cli import lineage as lineage_command
from slotforge.testing import landscape
from slotforge.testing.store_samples import CONFIG, SUITE

from .conftest import Command, Found


def test_usage_tells_what_runs_have_cost_as_they_themselves_do(cli: Command, found: Found) -> None:
    (line,) = cli("usage", "--store", found.store, "--json").json
    shown = cli("show", found.report.run, "--store", found.store, "--json").json["usage"]
    assert {name: line[name] for name in ("owner", "model", "runs")} == {
        "owner": "local",
        "model": "offline",
        "runs": 1,
    }
    assert line["calls"] == shown["calls"]
    assert line["cpu_s"] == pytest.approx(shown["cpu_s"])
    table = cli("usage", "--store", found.store).out
    assert [word in table for word in (line["month"], "local", "offline")] == [True] * 3
    nobody = cli("usage", "--owner", "nobody", "--store", found.store)
    assert (nobody.code, nobody.out) == (0, "")
    assert "nothing was spent by 'nobody'" in nobody.err


def test_runs_shows_the_verdict_of_each_run_and_the_best_of_its_search(cli: Command, found: Found) -> None:
    (row,) = cli("runs", "--store", found.store, "--json").json
    assert row["id"] == found.report.run
    assert (row["state"], row["trials"], row["verdict"]) == ("finished", found.report.trials, "better")
    shown = cli("show", found.report.run, "--store", found.store, "--json").json
    assert row["ratio"] == shown["curve"][-1][1]
    listed = cli("runs", "--store", found.store).out
    assert all(text in listed for text in (found.report.run, "finished", "better", f"{row['ratio']:.3f}"))


def test_a_run_without_a_report_counts_its_trials_without_the_baseline(cli: Command, tmp_path: Path) -> None:
    config = RunConfig(domain=landscape.NAME, instances=("a",))
    with open_store(tmp_path / "s.db") as store:
        run = store.create_run(config, Suite(search=(), select=(), holdout=()), {})
        for number in range(3):
            store.record(
                Trial(
                    run=run, number=number, operator="mutate", slots=(), parents=(), state=TrialState.SCORED,
                    candidate=Candidate(domain=landscape.NAME, slots={"alpha": f"0.{number}"} if number else {}),
                    ratio=1.0 - number / 10,
                )
            )  # fmt: skip
    (row,) = cli("runs", "--store", tmp_path / "s.db", "--json").json
    assert (row["trials"], row["ratio"], row["verdict"], row["state"]) == (2, 0.8, None, "interrupted")


def test_the_name_of_a_model_is_shown_as_it_is(cli: Command, tmp_path: Path) -> None:
    model = "replay:a[old]b[/x]c.jsonl"
    with open_store(tmp_path / "s.db") as store:
        config = RunConfig(domain=landscape.NAME, instances=("a",), model=model)
        store.create_run(config, Suite(search=(), select=(), holdout=()), {})
    told = cli("runs", "--store", tmp_path / "s.db")
    assert told.code == 0, told.err
    assert model in told.out


@pytest.mark.parametrize("command", ["runs", "show", "best"])
def test_text_that_is_no_unicode_is_printed_as_an_escape(cli: Command, tmp_path: Path, command: str) -> None:
    odd = "no Unicode: \ud800"
    made = Candidate(domain=landscape.NAME, slots={"alpha": odd})
    with open_store(tmp_path / "s.db") as store:
        config = RunConfig(domain=landscape.NAME, instances=("a",), model=odd)
        run = store.create_run(config, Suite(search=(), select=(), holdout=()), {})
        trial = Trial(run=run, number=1, operator="mutate", slots=("alpha",), parents=(), state=TrialState.SCORED)
        store.record(trial.model_copy(update={"candidate": made, "ratio": 0.5}))
    asked = {"runs": (), "show": (made.id,), "best": (landscape.NAME,)}[command]
    assert cli(command, *asked, "--store", tmp_path / "s.db").code == 0
    told = cli(command, *asked, "--store", tmp_path / "s.db", "--json")
    assert "no Unicode: \\ud800" in told.out
    assert odd in json.dumps(told.json, ensure_ascii=False)


def test_show_run_tells_setup_course_verdict_cost_and_failures(cli: Command, found: Found) -> None:
    document = cli("show", found.report.run[:6], "--store", found.store, "--json").json
    assert document["run"]["id"] == found.report.run
    assert document["curve"][0] == [0, 1.0]
    ratios = [ratio for _, ratio in document["curve"]]
    assert ratios == sorted(ratios, reverse=True)
    assert set(document["failures"]) == {"wrong", "failed", "rejected"}
    assert sum(document["failures"]["wrong"].values()) >= 1
    shown = cli("show", found.report.run, "--store", found.store).out
    for text in ("hills, dunes", "one_plus_lambda", found.winner, "control", "line 1: this does not compile", "better"):
        assert text in shown


def test_show_run_tells_the_history_of_its_stretches(cli: Command, copied: Found) -> None:
    document = cli("show", copied.report.run, "--store", copied.store, "--json").json
    assert [(event["kind"], event["facts"]) for event in document["events"]] == [("started", {}), ("finished", {})]
    assert all(event["at"] for event in document["events"])
    with open_store(copied.store) as store:
        for _ in range(8):
            store.open_session(copied.report.run)
        store.record_event(copied.report.run, "failed", {"why": "no [compiler]"})
        store.record_event(copied.report.run, "refuted", {"why": "c is wrong", "outcome": "wrong"})
    shown = cli("show", copied.report.run, "--store", copied.store).out
    lines = [line.split() for line in shown.splitlines()]
    (begin,) = (number for number, line in enumerate(lines) if line == ["at", "history", "why"])
    told = [line[2:] for line in lines[begin + 3 : begin + 13]]
    assert lines[begin + 2][1:] == ["2", "earlier"]
    assert told == [*[["resumed"]] * 8, ["failed", "no", "[compiler]"], ["refuted", "c", "is", "wrong"]]


@pytest.mark.parametrize("shown", ["run", "winner"])
def test_a_verdict_is_shown_with_the_pairs_that_it_can_be_computed_from(cli: Command, found: Found, shown: str) -> None:
    document = cli("show", found.report.run if shown == "run" else found.winner, "--store", found.store, "--json").json
    kept = next(one for one in document["confirmations"] if one["candidate"] == found.winner)
    pairs = [Pair.model_validate(pair) for pair in kept["pairs"]]
    assert verdict(pairs).model_dump(mode="json") == kept["verdict"]
    assert kept["environment"] == {"landscape": "1"}
    if shown == "winner":
        assert document["trials"][0]["selection"]


def test_a_curve_that_cannot_be_written_is_one_line(cli: Command, found: Found, tmp_path: Path) -> None:
    shown = cli("show", found.report.run, "--plot", tmp_path / "none" / "c.svg", "--store", found.store)
    assert shown.code == 1
    assert "c.svg: cannot be written: No such file or directory" in shown.error


def test_a_run_without_a_scored_trial_has_no_curve(cli: Command, tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
    shown = cli("show", run, "--plot", tmp_path / "c.svg", "--store", tmp_path / "store.db")
    assert shown.code == 2
    assert "no scored trial yet" in shown.error
    assert not (tmp_path / "c.svg").exists()


def test_show_run_writes_its_curve_as_svg(cli: Command, found: Found, tmp_path: Path) -> None:
    assert cli("show", found.report.run, "--plot", tmp_path / "c.svg", "--store", found.store).code == 0
    drawn = ElementTree.parse(tmp_path / "c.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    scored = sum(found.report.states.get(state, 0) for state in ("scored", "confirmed"))
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 1 + scored


def test_show_candidate_tells_sources_trials_measurements_and_verdicts(cli: Command, found: Found) -> None:
    document = cli("show", found.winner, "--store", found.store, "--json").json
    assert document["candidate"]["slots"] == dict(found.report.best.slots)
    assert document["trials"][0]["measurements"]
    assert document["confirmations"][0]["verdict"]["verdict"] == "better"
    shown = cli("show", found.winner, "--store", found.store).out
    for text in (*found.report.best.slots.values(), "mutate", "hills", "from the worst to the best", "better"):
        assert text.strip() in shown


def test_show_prompt_adds_the_exchanges_with_the_model(cli: Command, found: Found) -> None:
    shown = cli("show", found.winner, "--prompt", "--store", found.store).out
    assert "offline" in shown
    assert len(shown) > len(cli("show", found.winner, "--store", found.store).out)


@pytest.mark.parametrize(
    ("ref", "option", "advice"), [("run", "--prompt", "export"), ("winner", "--plot=x.svg", "slotforge runs")]
)
def test_an_option_of_the_other_kind_is_refused(cli: Command, found: Found, ref: str, option: str, advice: str) -> None:
    answer = cli("show", found.report.run if ref == "run" else found.winner, option, "--store", found.store)
    assert answer.code == 2
    assert advice in answer.error


def test_best_has_the_fields_that_scripts_rely_on(cli: Command, found: Found) -> None:
    held = {found.winner: found.report.holdout, **{one.candidate: one for one in found.report.rivals.values()}}
    count = len(held)
    rows = cli("best", landscape.NAME, "--store", found.store, "--limit", str(count + 1), "--json").json
    fields = ["candidate", "domain", "slots", "family", "ratio", "low", "high", "confirmed", "run"]
    assert len(rows) == count + 1
    assert all(list(row) == fields for row in rows)
    assert [row["confirmed"] for row in rows] == [True] * count + [False]
    assert {row["candidate"]: row["ratio"] for row in rows[:-1]} == {id_: one.ratio for id_, one in held.items() if one}
    assert [row["ratio"] for row in rows[:-1]] == sorted(row["ratio"] for row in rows[:-1])
    assert all(row["low"] < row["ratio"] < row["high"] < 1 for row in rows[:-1])
    assert rows[-1]["low"] is None


def test_best_by_slot_and_family(cli: Command, found: Found) -> None:
    rows = cli("best", landscape.NAME, "--slot", "beta", "--family", "dunes", "--store", found.store, "--json").json
    assert rows
    assert all("beta" in row["slots"] and row["family"] == "dunes" for row in rows)
    nothing = cli("best", "sat", "--store", found.store)
    assert (nothing.code, nothing.out) == (0, "")
    assert "slotforge discover sat" in nothing.err


@pytest.mark.parametrize(
    ("arguments", "choice"),
    [
        (["nosuch"], "sat"),
        (["sat", "--slot", "nosuch"], "restart_due"),
        (["sat", "--family", "nosuch"], "tseitin"),
        (["sat", "--family", "tseitin:nosuch=1"], "nodes"),
        ([landscape.NAME, "--slot", "nosuch"], "beta"),
        ([landscape.NAME, "--family", "nosuch"], "dunes"),
    ],
)
def test_best_refuses_a_name_that_nothing_has_and_says_which_there_are(
    cli: Command, found: Found, arguments: list[str], choice: str
) -> None:
    answer = cli("best", *arguments, "--store", found.store)
    assert answer.code == 2
    assert choice in answer.error


@pytest.mark.parametrize("arguments", [["--slot", "decay"], ["--family", "tseitin:30"], ["--family", "dunes"]])
def test_best_finds_nothing_for_a_known_name_that_nothing_was_found_for(
    cli: Command, found: Found, arguments: list[str]
) -> None:
    answer = cli("best", "sat", *arguments, "--store", found.store)
    assert (answer.code, answer.out) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "ID"],
        ["lineage", "ID"],
        ["resume", "ID"],
        ["diff", "baseline", "ID"],
        ["export", "ID", "--as", "cpp", "--out", "out.hpp"],
        ["export", "ID", "--as", "replay", "--out", "out.jsonl"],
        ["confirm", "ID", "--instances", "tseitin"],
        ["solve", "FILE", "--heuristics", "ID"],
    ],
)
@pytest.mark.parametrize("ref", ["ffffffffffff", "./nowhere.hpp", "nothing"])
def test_what_names_nothing_is_bad_use_wherever_it_stands(
    cli: Command, found: Found, arguments: list[str], ref: str
) -> None:
    answer = cli(*(ref if word == "ID" else word for word in arguments), "--store", found.store)
    assert answer.code == 2
    assert ref in answer.error


def test_lineage_goes_from_a_candidate_to_the_baseline(cli: Command, found: Found) -> None:
    rows = cli("lineage", found.winner, "--store", found.store, "--json").json
    assert rows[0]["candidate"] == found.winner
    assert rows[-1]["candidate"] == found.baseline
    lines = cli("lineage", found.winner[:8], "--store", found.store).out.splitlines()
    assert lines[0].startswith(f"* {found.winner}")
    assert "mutate of" in lines[0]
    assert "baseline" in lines[-1]


def test_a_family_tree_of_any_depth_describes_each_ancestor_once() -> None:
    from slotforge.lineage.records import Ancestor

    count = 3000
    names = [f"{n:04x}" for n in range(count)]
    tree = {
        name: Ancestor(candidate=name, generation=n, state="scored", parents=tuple(names[n + 1 : n + 3]))
        for n, name in enumerate(names)
    }
    lines = list(lineage_command._draw(tree, names[0]))
    described = [line for line in lines if "(above)" not in line]
    assert len(described) == count
    assert len(lines) <= 2 * count


def test_every_wrong_reference_is_one_line_that_says_where_to_look(cli: Command, found: Found) -> None:
    for command in ("show", "lineage"):
        answer = cli(command, "ffffffffffff", "--store", found.store)
        assert answer.code == 2
        assert "slotforge best DOMAIN" in answer.error
    for arguments in (["runs", "--limit", "0"], ["show"], ["nonsense"], ["discover"], ["best"]):
        answer = cli(*arguments)
        assert answer.code == 2
        assert "--help" in answer.error


def test_a_store_that_cannot_be_opened_is_one_line(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, whatever its name says " * 100)
    for command in (["runs"], ["show", "a"], ["best", "sat"], ["lineage", "a"], ["db", "where"]):
        answer = cli(*command, "--store", tmp_path / "text.db")
        assert answer.code == 1
        assert "text.db" in answer.error


def test_the_users_own_store_that_is_not_there_yet_says_how_to_begin(cli: Command) -> None:
    answer = cli("runs")
    assert (answer.code, answer.out) == (0, "")
    assert "slotforge discover" in answer.err
    assert cli("runs", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        *(["runs"], ["show", "abcd"], ["best", "sat"], ["lineage", "abcd"], ["resume", "abcd"]),
        *(["diff", "baseline", "abcd"], ["solve", "FILE", "--heuristics", "abcd"]),
    ],
)
@pytest.mark.parametrize("url", ["", "sqlite:///"])
def test_a_store_that_is_not_there_is_refused_by_what_only_reads_and_is_not_made(
    cli: Command, tmp_path: Path, arguments: list[str], url: str
) -> None:
    answer = cli(*arguments, "--store", f"{url}{tmp_path / 'nowhere' / 'x.db'}")
    assert answer.code == 1
    assert f"there is no store {tmp_path / 'nowhere' / 'x.db'}" in answer.error
    assert not (tmp_path / "nowhere").exists()


def test_tables_are_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    piped = io.StringIO()
    monkeypatch.setattr("sys.stdout", piped)
    long = "a_long_name " * 30
    _console.print_table(_console.stdout(), ("one", "two"), [(long, long)], title=long)
    assert [line.count(long.strip()) for line in piped.getvalue().splitlines() if "long" in line] == [1, 2]


@pytest.mark.parametrize("columns", [30, 60, 90, 200])
def test_a_narrow_terminal_folds_cells_and_loses_nothing(columns: int) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=columns)
    _console.print_table(console, ("id", "text", "n"), [("0123456789abcdef", "word " * 12, "12345")], texts=("text",))
    signs = "".join(shown.getvalue().split())
    assert max(map(len, shown.getvalue().splitlines())) <= columns
    assert sorted(c for c in signs if c.isalnum()) == sorted("idtextn0123456789abcdef" + "word" * 12 + "12345")


def test_markup_in_names_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.StringIO()
    monkeypatch.setattr("sys.stdout", piped)
    _console.stdout().print(_console.word("[red]no state[/red]"))
    assert piped.getvalue().strip() == "[red]no state[/red]"
    assert Console(file=io.StringIO()).is_terminal is False


def test_the_sparkline_falls_from_the_worst_to_the_best() -> None:
    steps = _curve.best_so_far([(0, 1.0), (5, 0.9), (6, 0.95), (50, 0.6)])
    assert steps == [(0, 1.0), (5, 0.9), (50, 0.6)]
    bars = _curve.sparkline(steps, 99, 20)
    assert len(bars) == 20
    assert (bars[0], bars[-1]) == ("█", "▁")
    assert list(bars) == sorted(bars, reverse=True)
    assert _curve.sparkline([(0, 1.0)], 0, 20) == "▁"
