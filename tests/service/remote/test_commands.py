"""A command says the same of a server as of the store behind it, with the same exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slotforge.service.cli import _checks
from slotforge.service.cli._checks import Finding
from slotforge.service.views import system
from slotforge.testing import landscape

from ..conftest import Answer, Command, Found

Both = tuple[Answer, Answer]


@pytest.fixture
def both(cli: Command, store: Path, server: str) -> Command:
    """Run a command on the store, and on the server."""

    def run(*arguments: object) -> Both:
        return cli(*arguments, "--store", store), cli("--server", server, *arguments)

    return run  # type: ignore[return-value]


READING = [
    ("runs",),
    ("runs", "--limit", "1"),
    ("usage",),
    ("usage", "--owner", "local"),
    ("show", "{run}"),
    ("show", "{short_run}"),
    ("show", "{winner}"),
    ("show", "{winner}", "--prompt"),
    ("show", "{baseline}"),
    ("lineage", "{winner}"),
    ("best", "{domain}"),
    ("best", "{domain}", "--slot", "alpha"),
    ("best", "{domain}", "--family", "hills", "--limit", "2"),
    ("diff", "baseline", "{winner}"),
    ("diff", "{winner}", "{baseline}"),
    ("logs", "{run}"),
    ("suites", "list"),
]


def filled(command: tuple[str, ...], found: Found) -> list[str]:
    words = {
        "run": found.report.run,
        "short_run": found.report.run[:6],
        "winner": found.winner,
        "baseline": found.baseline,
        "domain": landscape.NAME,
    }
    return [word.format(**words) for word in command]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_command_answers_the_same_with_and_without_a_server(
    command: tuple[str, ...], both: Command, found: Found, store: Path, server: str
) -> None:
    here, there = both(*filled(command, found), "--json")  # type: ignore[misc]
    assert (here.code, here.err) == (0, "")
    assert (there.code, there.err) == (0, "")
    assert there.json == here.json
    here, there = both(*filled(command, found))  # type: ignore[misc]
    assert (there.code, there.err) == (here.code, here.err)
    assert there.out.replace(server, str(store)) == here.out


@pytest.mark.parametrize(
    "command",
    [
        ("show", "ffffffffffff"),
        ("show", "no id"),
        ("lineage", "{run}"),
        ("diff", "baseline", "ffff"),
        ("best", "chess"),
        ("best", "sat", "--slot", "nonsense"),
        ("best", "sat", "--family", "nonsense"),
        ("show", "{run}", "--prompt"),
        ("suites", "show", "none"),
        ("pause", "ffffffff"),
        ("logs", "ffffffff"),
        ("export", "{run}", "--as", "cpp", "--out", "x"),
    ],
    ids=" ".join,
)
def test_a_mistake_has_one_line_and_the_same_exit_code(command: tuple[str, ...], both: Command, found: Found) -> None:
    here, there = both(*filled(command, found))  # type: ignore[misc]
    assert here.error
    assert there.error
    assert there.code == here.code == 2


@pytest.mark.parametrize("command", [("show",), ("best",), ("usage", "--owner"), ("keys", "add"), ("logs",)])
def test_what_is_no_unicode_is_refused_in_one_line(command: tuple[str, ...], cli: Command, server: str) -> None:
    told = cli("--server", server, *command, "caf\udce9")
    assert told.code == 2
    assert "caf\\udce9" in told.error
    assert "is no Unicode text" in told.error


@pytest.mark.parametrize("name", ["../x", "", "..", "a b", "x" * 300])
@pytest.mark.parametrize("deed", ["add", "show", "remove"])
def test_a_name_that_no_suite_may_have_is_told_the_same(deed: str, name: str, both: Command, tmp_path: Path) -> None:
    (tmp_path / "f.cnf").write_text("p cnf 1 1\n1 0\n")
    files = (tmp_path,) if deed == "add" else ()
    here, there = both("suites", deed, name, *files)  # type: ignore[misc]
    assert there.error == here.error
    assert there.code == here.code == 2


def test_a_text_that_is_no_id_is_told_as_such(cli: Command, server: str) -> None:
    for command in (("show", "../x"), ("pause", "a/b"), ("logs", "")):
        answer = cli("--server", server, *command)
        assert "is no id: see `slotforge runs`" in answer.error
        assert answer.code == 2


def test_a_run_of_the_command_line_cannot_be_paused_by_a_server(cli: Command, server: str, found: Found) -> None:
    answer = cli("--server", server, "pause", found.report.run)
    assert answer.code == 2
    assert "was started from a command line" in answer.error


def test_resume_of_a_finished_run_prints_its_report_again(both: Command, found: Found) -> None:
    here, there = both("resume", found.report.run, "--json")  # type: ignore[misc]
    assert (here.code, there.code) == (0, 0)
    assert there.json == here.json == found.report.model_dump(mode="json")


def test_the_curve_of_a_run_is_drawn_the_same(
    cli: Command, store: Path, server: str, found: Found, tmp_path: Path
) -> None:
    assert cli("show", found.report.run, "--plot", tmp_path / "a.svg", "--store", store).code == 0
    assert cli("--server", server, "show", found.report.run, "--plot", tmp_path / "b.svg").code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_replay_file_is_the_same(cli: Command, store: Path, server: str, found: Found, tmp_path: Path) -> None:
    assert cli("export", found.report.run, "--as", "replay", "--out", tmp_path / "a", "--store", store).code == 0
    there = cli("--server", server, "export", found.report.run, "--as", "replay", "--out", tmp_path / "b")
    assert (there.code, there.err, there.out.strip()) == (0, "", str(tmp_path / "b"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != b""


@pytest.mark.parametrize("kind", ["cpp", "replay"])
def test_an_export_never_goes_over_a_file_of_somebody_else(
    kind: str, both: Command, found: Found, tmp_path: Path
) -> None:
    (out := tmp_path / "mine").write_text("my thesis")
    for told in both("export", found.report.run, "--as", kind, "--out", out):  # type: ignore[attr-defined]
        assert told.code == 2
        assert "exists and was not exported by slotforge" in told.error
        assert out.read_text() == "my thesis"


def test_a_replay_file_may_be_exported_again(both: Command, found: Found, tmp_path: Path) -> None:
    for told in both("export", found.report.run, "--as", "replay", "--out", tmp_path / "out"):  # type: ignore[attr-defined]
        assert told.code == 0, told.err


def test_a_suite_of_files_is_made_on_the_server(cli: Command, server: str, tmp_path: Path) -> None:
    for number, text in enumerate(("p cnf 1 1\n1 0\n", "p cnf 2 2\n1 2 0\n-1 0\n", "no formula")):
        (tmp_path / f"f{number}.cnf").write_text(text)
    made = cli("--server", server, "suites", "add", "mine", tmp_path, "--json")
    assert made.code == 0
    assert made.json["instances"] == 2
    assert "f2.cnf" in made.err
    assert cli("--server", server, "suites", "show", "mine", "--json").json["items"] == made.json["items"]
    assert [one["name"] for one in cli("--server", server, "suites", "list", "--json").json] == ["mine"]
    assert cli("--server", server, "suites", "remove", "mine").code == 0
    assert cli("--server", server, "suites", "list", "--json").json == []


def test_a_server_looks_at_its_own_parts(both: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        Finding(name="compiler", state="ok", text="g++ 12"),
        Finding(name="sandbox", state="fail", text="level 0", advice="install bubblewrap"),
    ]
    monkeypatch.setattr(_checks, "findings", lambda *_: iter(parts))
    monkeypatch.setattr(system, "findings", lambda *_: iter(parts))
    monkeypatch.setattr(system, "_looked", {})
    here, there = both("doctor")  # type: ignore[misc]
    assert (there.code, there.out, there.err) == (here.code, here.out, here.err)
    assert there.code == 1
    assert "level 0; install bubblewrap" in there.out
    here, there = both("doctor", "--json")  # type: ignore[misc]
    assert there.json == here.json
    assert not there.json["works"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("db", "where"), "`slotforge db` works on this machine alone: leave --server out"),
        (("doctor", "--config", "serve.toml"), "a server has a configuration of its own: leave --config out"),
        (("list", "slots"), "`slotforge list` works on this machine alone: leave --server out"),
        (("runs", "--store", "x.db"), "--store is of this machine, and --server is another place: give one of them"),
        (("discover", "sat", "--instances", "tseitin:48", "--base-url", "http://x"), "leave --base-url and --executor"),
        (("discover", "sat", "--instances", "./none"), "./none: no such file or folder"),
        (("confirm", "mine.hpp", "--instances", "tseitin:48"), "mine.hpp: a server takes candidates that it knows"),
        (("resume", "ab", "--take-over"), "leave --take-over out"),
    ],
)
def test_what_a_server_cannot_do_is_said_in_one_line(
    command: tuple[str, ...], said: str, cli: Command, server: str
) -> None:
    answer = cli("--server", server, *command)
    assert answer.code == 2
    assert said in answer.error


def test_the_server_of_the_environment_is_asked_unless_a_store_is_named(
    cli: Command, server: str, found: Found, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLOTFORGE_SERVER", server)
    assert [row["id"] for row in cli("runs", "--json").json] == [found.report.run]
    other = tmp_path / "other.db"
    assert cli("db", "where", "--store", other).out.startswith(str(other))
    monkeypatch.setenv("SLOTFORGE_SERVER", server)
    assert cli("runs", "--store", other, "--json").json == []


def test_a_command_on_a_store_says_that_it_leaves_the_server_of_the_environment_aside(
    cli: Command, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTFORGE_SERVER", server)
    answer = cli("db", "where")
    assert answer.code == 0
    assert answer.err == "slotforge db works on a store of this machine, not on $SLOTFORGE_SERVER\n"
    assert cli("list", "slots", "--json").err == ""


def test_a_server_that_is_not_there_is_one_line(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    answer = cli("--server", "http://127.0.0.1:9", "runs")
    assert answer.code == 1
    assert re.search(r"the server http://127.0.0.1:9 does not answer \(.*\): check that it runs", answer.error)


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://", "http://user:pw@host", "http://host/?a=b"])
def test_a_url_that_is_none_is_refused_without_telling_it(url: str, cli: Command) -> None:
    answer = cli("--server", url, "runs")
    assert answer.code == 2
    assert "write http://HOST:PORT or https://HOST" in answer.error
    assert "pw" not in answer.error


def test_the_shell_completes_the_server_and_the_new_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: str
) -> None:
    from slotforge.service.cli import program

    monkeypatch.setenv("SLOTFORGE_SERVER", server)
    for words, wanted in (("slotforge --se", "--server"), ("slotforge pa", "pause"), ("slotforge db ba", "backup")):
        monkeypatch.setenv("_SLOTFORGE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        with pytest.raises(SystemExit):
            program.main(args=[], prog_name="slotforge")
        assert f"plain,{wanted}" in capsys.readouterr().out.split()
