"""doctor, db and completion: what keeps the rest going."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slotforge.core.errors import SlotforgeError
from slotforge.lineage import keys, migrations
from slotforge.lineage.store import open_store
from slotforge.service.cli import _checks, _service_checks

from .conftest import Command

CHECKS = ["compiler", "engine", "proof checker", "sandbox", "store", "keys", "ray", "python-sat", "service", "model"]


@pytest.fixture
def without_slow_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the checks that start a compiler or import Ray."""
    slow = ("compiler", "ray", "python-sat")
    monkeypatch.setattr(_checks, "NEEDED", {k: v for k, v in _checks.NEEDED.items() if k not in slow})
    monkeypatch.setattr(_checks, "USEFUL", {k: v for k, v in _checks.USEFUL.items() if k not in slow})


@pytest.fixture
def server() -> Iterator[str]:
    """Serve a list of models."""

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": [{"id": "tiny", "object": "model"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}/v1"
    made.shutdown()
    thread.join()
    made.server_close()


def test_doctor_checks_every_part_of_this_machine(cli: Command, tmp_path: Path) -> None:
    answer = cli("doctor", "--store", tmp_path / "s.db", "--json")
    document = answer.json
    assert [check["name"] for check in document["checks"]] == CHECKS
    states = {check["name"]: check["state"] for check in document["checks"]}
    assert states["compiler"] == states["engine"] == states["proof checker"] == states["store"] == "ok"
    assert document["works"] == all(state != "fail" for state in states.values())
    assert answer.code == (0 if document["works"] else 1)


@pytest.mark.usefixtures("without_slow_checks")
def test_doctor_fails_where_the_store_cannot_be_opened_and_says_what_to_do(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("no database " * 1000)
    answer = cli("doctor", "--store", tmp_path / "s.db")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("fail")]
    assert "store" in line
    assert "--store" in line


def test_a_missing_program_fails_its_check_alone(
    cli: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    without_slow_checks: None,  # noqa: ARG001
) -> None:
    def missing() -> _checks.Finding:
        raise SlotforgeError("no engine here: install slotforge again")

    monkeypatch.setitem(_checks.NEEDED, "engine", missing)
    answer = cli("doctor", "--store", tmp_path / "s.db", "--json")
    assert answer.code == 1
    broken = [check for check in answer.json["checks"] if check["state"] == "fail"]
    assert broken == [
        {"name": "engine", "state": "fail", "text": "no engine here", "advice": "install slotforge again"}
    ]


@pytest.mark.usefixtures("without_slow_checks")
def test_what_is_only_useful_warns_and_does_not_fail(
    cli: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(_checks.USEFUL, "ray", lambda: _checks._package("ray", "no_such_module", "do without"))
    answer = cli("doctor", "--store", tmp_path / "s.db", "--json")
    (ray,) = [check for check in answer.json["checks"] if check["name"] == "ray"]
    assert (answer.code, ray["state"]) == (0, "warn")
    assert "no_such_module" in ray["text"]
    assert "pip install ray" in ray["advice"]


@pytest.mark.usefixtures("without_slow_checks")
def test_doctor_asks_the_model_that_the_environment_names(
    cli: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server)
    there = cli("doctor", "--store", tmp_path / "s.db").out.splitlines()[-1]
    assert there.startswith("ok")
    assert "tiny" in there
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    gone = cli("doctor", "--store", tmp_path / "s.db")
    assert gone.code == 0
    assert gone.out.splitlines()[-1].startswith("warn")
    assert "--model offline" in gone.out


@pytest.mark.usefixtures("without_slow_checks")
def test_doctor_looks_at_the_cluster_where_searches_of_the_service_use_one(
    cli: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cluster(*words: object) -> tuple[int, dict[str, str] | None]:
        answer = cli("doctor", "--store", tmp_path / "s.db", "--json", *words)
        return answer.code, next((one for one in answer.json["checks"] if one["name"] == "cluster"), None)

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cluster() == (0, None)
    file = tmp_path / "serve.toml"
    file.write_text("executor = 'ray'")
    code, found = cluster("--config", file)
    assert code == 0
    assert found is not None
    assert found["state"] == "warn"
    assert found["text"] == "$RAY_ADDRESS is not set: each search starts Ray on the machine of its server"
    monkeypatch.setenv("SLOTFORGE_SERVE_EXECUTOR", "ray")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", address := f"127.0.0.1:{nobody.getsockname()[1]}")
        code, found = cluster()
    assert code == 1
    assert found == {
        "name": "cluster",
        "state": "fail",
        "text": f"{address} does not answer (Connection refused)",
        "advice": "is it the head of a cluster?",
    }


def test_db_tells_where_the_store_is(cli: Command, tmp_path: Path) -> None:
    document = cli("db", "where", "--json").json
    assert document["store"] == str(tmp_path / "home" / "slotforge.db")
    assert document["revision"] == migrations.revisions()[0]
    assert document["store"] in cli("db", "where").out


def test_db_upgrade_brings_a_store_up_to_date_and_may_be_repeated(cli: Command, tmp_path: Path) -> None:
    where = tmp_path / "old.db"
    migrations.upgrade(where)
    migrations.downgrade(where)
    for _ in range(2):
        answer = cli("db", "upgrade", "--store", where)
        assert answer.code == 0
        assert migrations.revisions()[0] in answer.out
    document = cli("db", "upgrade", "--store", where, "--json").json
    assert document == {"store": str(where), "revision": migrations.revisions()[0]}
    assert cli("runs", "--store", where, "--json").json == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(cli: Command, shell: str) -> None:
    answer = cli("completion", shell)
    assert answer.code == 0
    assert f"_SLOTFORGE_COMPLETE={shell}_complete" in answer.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("slotforge disc", {"discover"}),
        ("slotforge discover sat --strategy one_plus_l", {"one_plus_lambda"}),
        ("slotforge discover sat --instances tseitin,mit", {"tseitin,miter"}),
        ("slotforge discover sat --executor in", {"inline"}),
        ("slotforge completion b", {"bash"}),
    ],
)
def test_the_shell_completes_commands_and_names(words: str, expected: set[str], python_main: list[str]) -> None:
    environment = {
        **os.environ,
        "_SLOTFORGE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run(python_main, env=environment, capture_output=True, text=True, check=True)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


def test_doctor_tells_who_is_let_into_the_service(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    assert "this machine alone" in _service_checks.keys(store).text
    with open_store(store) as opened:
        keys.add_key(opened, "ann", ["read"])
        assert _service_checks.keys(store).text == "1 valid of 1 (ann)"
        keys.revoke(opened, "ann")
    found = _service_checks.keys(store)
    assert (found.state, found.text) == ("warn", "0 valid of 1")


def test_doctor_tells_whether_the_port_of_the_service_is_free(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(_service_checks, "PORT", free.getsockname()[1])
    assert _service_checks.port().text.endswith("is free")
    monkeypatch.setattr(_service_checks, "PORT", int(server.split(":")[2].split("/")[0]))
    found = _service_checks.port()
    assert (found.state, found.text.endswith("another program")) == ("warn", True)
