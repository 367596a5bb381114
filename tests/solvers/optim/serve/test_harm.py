"""What runs in a candidate's process reaches nothing: each harm is tried without the sandbox too, where it succeeds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

TRY = "import json, sys, toy; print(json.dumps(toy.answer(json.loads(sys.argv[1]))), flush=True)"


@pytest.fixture
def given(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A home folder with a secret that anybody may take or replace, and a port that listens."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("secret", "removable"):
        (home / name).write_text("precious")
        (home / name).chmod(0o666)
    home.chmod(0o777)
    names = {name: str(home / name) for name in ("secret", "removable")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield {"home": str(home), "port": listener.getsockname()[1], **names}


def test_no_harm_is_done(do, given):
    reply = do("harms", given, candidate="hostile")
    assert (reply.outcome, reply.answer) == ("answered", {"said": []})
    assert sorted(os.listdir(given["home"])) == ["removable", "secret"]
    assert Path(given["secret"]).read_text() == "precious"
    assert do("echo", 1).outcome == "answered"


def test_each_harm_succeeds_without_the_sandbox(given, inside):
    environment = {**os.environ, "PYTHONPATH": str(inside)}
    ask = json.dumps({"do": "harms", "with": given})
    ended = subprocess.run(
        [sys.executable, "-c", TRY, ask], capture_output=True, env=environment, check=True, timeout=120
    )
    assert len(json.loads(ended.stdout)["said"]) == 16
    Path("/tmp/slotforge-harm").unlink()


def test_the_server_cannot_be_killed_from_a_candidate(do):
    before = do("count", candidate="bystander").answer["said"]
    reply = do("kill parent", candidate="hostile")
    assert (reply.outcome, reply.reason) == ("crash", "PermissionError: [Errno 1] Operation not permitted")
    assert do("count", candidate="bystander").answer["said"] == before + 1


CALLER = """
import sys
from pathlib import Path
from slotforge.solvers.optim.serve.workers import Workers

workers = Workers(sys.argv[1] + ":answer", paths=[Path(sys.argv[2])], kept=Path(sys.argv[2]) / "kept")
limits = dict(wall_s=60, cpu_s=60, memory_mb=1024)
workers.ask("one", {"do": "count"}, **limits)
print("serving", flush=True)
workers.ask("two", {"do": "compiled loop"}, **limits)
"""


def survivors(word: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [entry.parent.name] if word.encode() in entry.read_bytes() else []
        except OSError:
            continue
    return found


def test_no_process_outlives_a_caller_that_is_killed(inside, tmp_path):
    word = f"toy_{uuid4().hex}"
    (tmp_path / f"{word}.py").write_text((inside / "toy.py").read_text())
    argv = [sys.executable, "-c", CALLER, word, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"serving\n"
        until(lambda: len(survivors(word)) >= 5)  # caller, launcher, watcher, zygote, a candidate or two
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not survivors(word))


def until(holds):
    """Wait for what must come to hold, for as long as a busy machine may take."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
