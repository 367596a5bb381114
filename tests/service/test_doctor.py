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

from slotforge.core.errors import SlotforgeError, StoreError
from slotforge.lineage import keys, look, migrations
from slotforge.lineage.store import open_store
from slotforge.service.api.settings import Settings
from slotforge.service.cli import _checks, _service_checks

from .conftest import Command

CHECKS = ["compiler", "engine", "proof checker", "sandbox", "store", "secrets", "keys", "ray"]
CHECKS += ["python-sat", "service", "model"]


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
    served = Settings(store=str(tmp_path / "s.db"))
    assert "this machine alone" in _service_checks.keys(served).text
    with open_store(served.store) as opened:
        keys.add_key(opened, "ann", ["read"])
        assert _service_checks.keys(served).text == "1 valid of 1 (ann)"
        keys.revoke(opened, "ann")
    found = _service_checks.keys(served)
    assert (found.state, found.text) == ("warn", "0 valid of 1")


def test_doctor_tells_whether_the_port_of_the_service_is_free(server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    assert _service_checks.port(Settings(port=number)).text == f"127.0.0.1:{number} is free"
    taken = _service_checks.port(Settings(port=int(server.split(":")[2].split("/")[0])))
    assert (taken.state, taken.advice) == ("warn", "choose another --port")
    nowhere = _service_checks.port(Settings(host="no-such-host.invalid"))
    assert nowhere.state == "fail"


@pytest.mark.usefixtures("without_slow_checks")
def test_doctor_looks_at_what_the_configuration_of_the_service_names(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-to-be-told")
    file = tmp_path / "serve.toml"
    file.write_text(
        f"""
        host = "localhost"
        port = {server.split(":")[2].split("/")[0]}
        store = "postgresql+psycopg://forge@127.0.0.1:9/forge"
        token_file = "{tmp_path}/none"
        allowed_hosts = ["forge.lab.example"]
        models = [
            {{spec = "openai:tiny", base_url = "{server}"}},
            {{spec = "openai:huge", base_url = "{server}"}},
            {{spec = "openai:gone", base_url = "http://127.0.0.1:9/v1"}},
            {{spec = "anthropic:other"}},
        ]
        """
    )
    answer = cli("doctor", "--config", file, "--json")
    found = [(one["name"], one["state"], one["text"]) for one in answer.json["checks"]]
    assert answer.code == 1
    states = {name: state for name, state, _ in found}
    assert (states["store"], states["secrets"], states["service"]) == ("fail", "fail", "warn")
    assert any(name == "store" and "does not answer" in text for name, _, text in found)
    assert [state for name, state, _ in found if name == "model"] == ["ok", "warn", "warn", "ok"]
    assert "sk-never" not in answer.out


@pytest.mark.usefixtures("without_slow_checks")
def test_doctor_makes_nothing_and_fails_where_the_service_would_not_start(cli: Command, tmp_path: Path) -> None:
    assert cli("doctor", "--json").code == 0
    assert not [*(tmp_path / "home").glob("*.db"), *(tmp_path / "home").glob("*secret*")]
    file = tmp_path / "serve.toml"
    file.write_text("allowed_hosts = ['forge.lab.example']")
    answer = cli("doctor", "--config", file, "--json")
    (told,) = [one for one in answer.json["checks"] if one["state"] == "fail"]
    assert (answer.code, told["name"]) == (1, "keys")
    assert "slotforge keys add" in told["advice"]


def test_doctor_does_not_upgrade_a_store(tmp_path: Path) -> None:
    where = tmp_path / "old.db"
    older = migrations.revisions()[1]
    migrations.upgrade(where, older)
    assert _service_checks.keys(Settings(store=str(where))).state == "warn"
    assert look.look(where).tables == older


def test_doctor_needs_postgresql_15(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look.look(postgres).tables is None
    monkeypatch.setattr(look, "OLDEST", 99)
    with pytest.raises(StoreError, match="use 99 or newer"):
        look.look(postgres)
