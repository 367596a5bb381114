"""Searches and confirmations on a server that runs, followed from a command line; Ctrl-C leaves them or ends them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import RunConfig
from slotforge.service.cli import _follow
from slotforge.service.cli._progress import Display
from slotforge.service.client import Client
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord
from slotforge.service.transport import ServerEvent, Transport

from ..conftest import Command

MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
PATIENCE_S = 120
SEARCH = ["discover", "packing", "--instances", "weibull_1k_100", "--per-family", "9", "--seed", "1", "--workers", "1"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Iterator[str]:
    """Start `slotforge serve` on a store of its own; the answer is its URL."""
    home = tmp_path_factory.mktemp("served")
    (home / "builds").symlink_to(builds)
    environment = os.environ | {"SLOTFORGE_HOME": str(home)}
    command = [*MAIN, "serve", "--port", "0", "--cpus", "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as it:
        assert it.stdout is not None
        found = re.search(r"http://\S+", it.stdout.readline())
        try:
            assert found
            yield found.group()
        finally:
            it.send_signal(signal.SIGINT)
            try:
                it.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                it.kill()


@pytest.fixture
def asked(served: str) -> Iterator[Client]:
    with Client(served) as client:
        yield client


def in_time(client: Client, job: str, *states: str, patience_s: float = PATIENCE_S) -> str:
    """Wait until a job is in one of some states."""
    deadline = time.monotonic() + patience_s
    while (state := client.job(job).state) not in states and time.monotonic() < deadline:
        time.sleep(0.2)
    return state


def test_a_search_on_a_server_is_the_search_of_this_machine(cli: Command, served: str, tmp_path: Path) -> None:
    """The same seed, the same report, but for the id of the run; and its winner is confirmed and exported there."""
    there = cli("--server", served, *SEARCH, "--evals", 3, "--json")
    here = cli(*SEARCH, "--evals", 3, "--json", "--store", tmp_path / "here.db")
    assert (there.code, here.code) == (0, 0), there.err
    varying = ("run", "cost", "holdout", "controls")  # with times of this machine in them
    assert {k: v for k, v in there.json.items() if k not in varying} == {
        k: v for k, v in here.json.items() if k not in varying
    }
    assert there.json["holdout"]["ratio"] == here.json["holdout"]["ratio"]
    for text in (f"run {there.json['run']} on {served}", "the run is finished", "searching"):
        assert text in there.err
    best = cli("--server", served, "best", "packing", "--limit", 1, "--json").json[0]["candidate"]
    asked = ("confirm", best, "--instances", "weibull_1k_100", "--per-family", 4, "--workers", 1, "--json")
    verdicts = [cli("--server", served, *asked), cli(*asked, "--store", tmp_path / "here.db")]
    assert [answer.code for answer in verdicts] == [0, 0], verdicts[0].err
    ratios = [(answer.json["candidate"], answer.json["ratio"], answer.json["instances"]) for answer in verdicts]
    assert ratios[0] == ratios[1]
    controls = [
        {kind: (one["candidate"], one["ratio"]) for kind, one in answer.json["controls"].items()} for answer in verdicts
    ]
    assert controls[0] == controls[1]
    out = tmp_path / "rule.py"
    assert cli("--server", served, "export", best, "--as", "python", "--out", out).out == f"{out}\n"
    assert best in out.read_text()


def test_a_search_that_is_left_goes_on_and_can_be_paused_resumed_and_ended(
    served: str, asked: Client, cli: Command
) -> None:
    command = [*MAIN, "--server", served, *SEARCH, "--evals", "100000"]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **streams) as it:  # type: ignore[call-overload]
        run = ""
        for line in it.stderr:
            run = run or line.split()[1]
            if "is running" in line:
                break
        it.send_signal(signal.SIGINT)
        _, said = it.communicate(timeout=PATIENCE_S)
    assert it.returncode == 130
    assert f"{run} goes on on the server; come back with:  slotforge --server {served} resume {run}" in said
    assert asked.job(run).state == "running"
    end = time.monotonic() + PATIENCE_S
    while not (log := cli("--server", served, "logs", run, "--json").json) and time.monotonic() < end:
        time.sleep(0.1)  # its process may still be on its way
    assert log[0]["kind"] == "started"
    assert cli("--server", served, "pause", run).code == 0
    assert in_time(asked, run, "paused") == "paused"
    assert cli("--server", served, "runs", "--json").json[0]["state"] == "paused"
    assert asked.resume(run).state == "queued"
    assert in_time(asked, run, "running") == "running"
    assert cli("--server", served, "cancel", run, "--json").json["id"] == run
    assert in_time(asked, run, "cancelled") == "cancelled"
    ended = cli("--server", served, "resume", run)
    assert ended.code == 1
    assert f"run {run} is cancelled" in ended.err
    assert "attempt 1, by server" in cli("--server", served, "logs", run, "--process").out


def test_local_files_are_searched_on_as_a_suite(asked: Client, tmp_path: Path) -> None:
    """They are uploaded once, whatever else is uploaded, and stand in the place of their paths."""
    from slotforge.service.cli._fetch import uploaded

    for number in range(3):
        (tmp_path / f"f{number}.cnf").write_text(f"p cnf {number + 2} 1\n1 -2 0\n")
    specs = ["tseitin:48", str(tmp_path), str(tmp_path / "f0.cnf"), "miter"]
    first = uploaded(asked, "sat", specs)
    assert first == uploaded(asked, "sat", specs)
    family, suite, other = first
    assert (family, other) == ("tseitin:48", "miter")
    assert suite.startswith(f"suite:{tmp_path.name[:20]}")
    assert len(asked.suite(suite.removeprefix("suite:")).items) == 3
    ids = [item.id for item in asked.suite(suite.removeprefix("suite:")).items]
    asked.put_suite(tmp_path.name, ids[::-1])  # as a browser names a folder
    assert uploaded(asked, "sat", [str(tmp_path)]) == [f"suite:{tmp_path.name}"]
    assert uploaded(asked, "packing", ["weibull_1k_100"]) == ["weibull_1k_100"]
    with pytest.raises(UsageError, match="no such file or folder"):
        uploaded(asked, "sat", ["./none"])


class Asked:
    """A client that is asked to pause or cancel."""

    url = "http://server"

    def __init__(self) -> None:
        self.wishes: list[str] = []

    def wish_job(self, job: str, wish: str) -> None:
        self.wishes.append(f"{wish} {job}")


LEFT = [
    ("", []),
    ("detach", []),
    ("p", ["pause ab"]),
    ("Pause", ["pause ab"]),
    ("c", ["cancel ab"]),
    ("can", ["cancel ab"]),
]


@pytest.mark.parametrize(("answer", "wishes"), LEFT)
def test_who_leaves_at_a_terminal_is_asked_what_is_to_become_of_it(
    answer: str, wishes: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(("x", answer))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(answers))
    client = Asked()
    with pytest.raises(SystemExit) as ended:
        _follow._leave(client, Display(Console(), None), "ab", "back")  # type: ignore[arg-type]
    assert ended.value.code == 130
    assert client.wishes == wishes
    assert "'x' is none of them: type d, p or c, or Enter to detach" in capsys.readouterr().err


class Terminal:
    """A command with a terminal for its input and its messages."""

    def __init__(self, *command: str) -> None:
        self._end, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*MAIN, *command],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm"},
        )
        os.close(theirs)
        self.said = ""

    def read(self, seconds: float, until: str = "") -> str:
        """Read what is said for so long, or until it holds a text; the answer is what is new."""
        new, deadline = "", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not (until and until in new):
            if select.select([self._end], [], [], left)[0]:
                try:
                    new += os.read(self._end, 4096).decode()
                except OSError:  # it has ended
                    break
        self.said += new
        return new

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self._end)


@pytest.mark.parametrize(("typed", "told"), [("p\r", "is to pause"), (None, "goes on")], ids=["pause", "Ctrl-C"])
def test_the_question_has_the_terminal_for_itself_and_a_second_interrupt_detaches(
    typed: str | None, told: str, served: str, asked: Client
) -> None:
    terminal = Terminal("--server", served, *SEARCH, "--evals", "100000")
    try:
        terminal.read(PATIENCE_S, "is running")
        run = re.findall(r"run ([0-9a-f]{8,}) on ", terminal.said)[0]
        terminal.process.send_signal(signal.SIGINT)
        assert "Enter or Ctrl-C: detach" in terminal.read(PATIENCE_S, "detach)")
        assert terminal.read(0.5).strip() == ""
        if typed:
            terminal.type(typed)
        else:
            terminal.process.send_signal(signal.SIGINT)
        end = terminal.read(PATIENCE_S)
        assert f"{run} {told} on the server; come back with:  slotforge --server {served} resume {run}" in end
        assert terminal.process.wait(PATIENCE_S) == 130
        asked.cancel(run)
    finally:
        terminal.close()


@pytest.mark.parametrize("event", ["trial\ndata: {}", "log\ndata: cut", "state\ndata: [1]", "end\ndata: {}"])
def test_an_event_of_another_kind_is_one_line(event: str) -> None:
    told = httpx.Response(200, text=f"event: {event}\n\n", headers={"content-type": "text/event-stream"})
    to = Transport("http://127.0.0.1:1", None, transport=httpx.MockTransport(lambda _: told))
    with pytest.raises(SlotforgeError, match="answers of another kind"):
        _follow.follow(Client(transport=to), "ab", RunConfig(domain="sat", instances=("a",)), as_json=False)


def test_a_result_of_another_kind_is_one_line() -> None:
    config = ConfirmConfig(candidate="ab", instances=("a",))
    now = datetime.now(UTC)
    job = JobRecord(
        id="ab", kind="confirm", owner="ann", priority=0, config=config, state="finished", wish="", holder=None,
        attempts=0, cpus=1, usd=None, why="", result={"verdict": 1}, created=now, changed=now,
    )  # fmt: skip
    with Client("http://127.0.0.1:1") as client, pytest.raises(SlotforgeError, match="answers of another kind"):
        _follow.wait(client, job)


def test_the_events_of_a_run_are_shown_as_its_progress() -> None:
    shown = StringIO()
    display = Display(Console(file=shown, width=200), None)
    watcher = _follow.Watcher(display, RunConfig(domain="sat", instances=("a",)))
    line = {
        "run": "ab", "operator": "mutate", "slots": ["decay"], "parents": [], "candidate": "c", "reason": "",
        "instances": 4, "against": 0, "cpu_s": 1.0, "model": "m", "tokens": 0, "usd": 0.0,
    }  # fmt: skip
    told = [("state", {"state": "queued", "why": "no server has room"}), ("state", {"state": "running"})]
    for number, state, ratio in ((0, "scored", 1.0), (1, "scored", 0.9), (2, "raced_out", 0.5), (3, "scored", 0.95)):
        told.append(("trial", {**line, "number": number, "state": state, "ratio": ratio}))
    told.append(("budget", {"trials": 3}))
    told.append(("log", {"id": 1, "kind": "failed", "facts": {"why": "no [model]"}, "at": "2026-01-01T00:00:00Z"}))
    told.append(("end", {"state": "failed", "why": "three times"}))
    for kind, data in told:
        watcher.take(ServerEvent(id="", kind=kind, data=json.loads(json.dumps(data))))
    lines = shown.getvalue().splitlines()
    assert lines == [
        "the run is queued (no server has room)",
        "the run is running",
        "built-in policies and controls",
        "searching (100)",
        "trial 1 (decay): 0.900 of the baseline's cost",
        "failed: no [model]",
        "the run is failed (three times)",
    ]
