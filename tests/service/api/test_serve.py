"""The command that serves, as a process of its own, and where its settings come from."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.service.api import server
from slotforge.service.api.configuration import load
from slotforge.service.api.settings import Settings
from slotforge.service.jobs import supervisor

from ..conftest import Command

PATIENCE = 120


@contextmanager
def serving(main: list[str], store: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a store on a port that is free; yields the process and its URL."""
    command = [*main, "serve", "--store", str(store), "--port", "0", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " on http://" in line, line + (process.stderr.read() if process.poll() is not None else "")
        yield process, line.split(" on ")[1].split()[0]
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_serves_answers_and_ends_cleanly(
    python_main: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    with serving(python_main, tmp_path / "s.db") as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/health").json() == {"status": "ok"}
        ready = client.get("/ready")
        assert ready.status_code == 200, ready.text
        assert client.get("/v1/system").json()["caller"] == "local"
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out.splitlines()[-1]) == (0, "stopped")
    assert "Traceback" not in err
    assert all(line.startswith("{") for line in err.splitlines())


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@127.0.0.1:1/db", "postgresql+psycopg://127.0.0.1:1/db?password=hunter2"]
)
def test_a_password_that_everybody_could_see_is_refused(url: str, cli: Command) -> None:
    answer = cli("serve", "--store", url)
    assert answer.code == 2
    assert "--store holds a password, which every user of this machine can see" in answer.error
    assert "SLOTFORGE_SERVE_STORE" in answer.error
    assert "PGPASSFILE" in answer.error
    assert "hunter2" not in answer.err
    told = CliRunner().invoke(supervisor.main, ["--store", url])
    assert "--store holds a password" in str(told.exception)


def test_a_password_in_the_environment_is_not(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_SERVE_STORE", url := "postgresql://me:hunter2@127.0.0.1:1/db")
    assert "does not answer" in cli("serve").error
    told = CliRunner().invoke(supervisor.main, [])
    assert "does not answer" in str(told.exception)
    assert url not in str(told.exception)


def test_a_port_that_is_taken_is_one_line(cli: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = cli("serve", "--store", tmp_path / "s.db", "--port", taken.getsockname()[1])
    assert answer.code == 1
    assert "choose another --port" in answer.error


def test_it_refuses_to_be_reached_from_elsewhere_without_a_key(cli: Command, tmp_path: Path) -> None:
    answer = cli("serve", "--store", tmp_path / "s.db", "--host", "0.0.0.0", "--port", 0)
    assert answer.code == 2
    assert "slotforge keys add" in answer.error


def test_a_name_that_is_no_address_is_one_line(cli: Command, tmp_path: Path) -> None:
    assert "no address of this machine" in cli("serve", "--store", tmp_path / "s.db", "--host", "no such host").error


def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    try:
        taken = server.listen(Settings(host="::1", port=0))
    except SlotforgeError:
        pytest.skip("IPv6 is not tested: this machine has no ::1")
    with taken:
        assert server.url(Settings(host="::1", port=0), taken) == f"http://[::1]:{taken.getsockname()[1]}"


FILE = """
port = 9000
cpus = 3
allowed_hosts = ["forge.lab"]

[[models]]
spec = "openai:gpt-5-mini"
usd = 5.0

[[models]]
spec = "openai:qwen"
base_url = "http://127.0.0.1:8000/v1"
"""


def test_flags_go_before_the_environment_and_this_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(FILE)
    environment = {"SLOTFORGE_SERVE_PORT": "9001", "SLOTFORGE_SERVE_CPUS": "4", "SLOTFORGE_HOME": "x"}
    found = load({"port": 9002, "host": None, "allowed_hosts": ()}, file, environment)
    assert (found.port, found.cpus, found.allowed_hosts, found.host) == (9002, 4, ("forge.lab",), "127.0.0.1")
    assert [model.spec for model in found.models] == ["openai:gpt-5-mini", "openai:qwen"]
    several = load({}, None, {"SLOTFORGE_SERVE_ALLOWED_HOSTS": "a.lab, b.lab"})
    assert several.allowed_hosts == ("a.lab", "b.lab")
    assert several.executor == "process"
    assert load({}, None, {"SLOTFORGE_SERVE_EXECUTOR": "ray"}).executor == "ray"


@pytest.mark.parametrize(
    ("flags", "text", "environment", "said"),
    [
        ({}, "prt = 1", {}, "s.toml: prt"),
        ({}, "port = 'x'", {}, "s.toml: port"),
        ({}, "port = ", {}, "no TOML"),
        ({}, "[[models]]\nspec = 'no colon'", {}, "s.toml: models.0.spec"),
        ({}, "[[models]]\nspec = 'openai:x'\nbase_url = 'file:///x'", {}, "base_url"),
        ({}, "[[models]]\nspec = 'openai:x'\nbase_url = 'http://user:password@host/v1'", {}, "base_url"),
        ({}, "", {"SLOTFORGE_SERVE_PORT": "x"}, "$SLOTFORGE_SERVE_PORT: port"),
        ({}, "", {"SLOTFORGE_SERVE_PRT": "1"}, "$SLOTFORGE_SERVE_PRT is no setting"),
        ({"cpus": 0}, "", {}, "--cpus: cpus"),
        ({}, "executor = 'inline'", {}, "s.toml: executor: Input should be 'process' or 'ray'"),
    ],
)
def test_a_setting_without_sense_is_told_with_its_place(
    tmp_path: Path, flags: dict[str, Any], text: str, environment: dict[str, str], said: str
) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as told:
        load(flags, file, environment)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert "password" not in str(told.value)


def test_keys_are_made_listed_and_revoked_on_the_command_line(cli: Command, tmp_path: Path) -> None:
    store = ("--store", tmp_path / "s.db")
    assert cli("keys", "list", *store, "--json").json == []
    made = cli(
        "keys", "add", "ann", "--scopes", "run", "--runs", 2, "--usd", 5, "--bytes", 1 << 40, "--expires", 7, *store
    )
    secret = made.out.strip()
    assert secret.startswith("sf_")
    assert secret not in made.err
    (key,) = cli("keys", "list", *store, "--json").json
    assert (key["name"], key["scopes"], key["limits"]) == (
        "ann",
        ["run"],
        {"runs": 2, "cpus": None, "usd": 5.0, "bytes": 1 << 40},
    )
    listed = cli("keys", "list", *store).out
    assert secret not in listed
    assert "1,099,511,627,776" in listed
    (told,) = cli("audit", *store, "--json").json
    assert (told["actor"], told["action"], told["target"]) == ("local", "slotforge keys add", "ann")
    assert "choose another name" in cli("keys", "add", "ann", *store).error
    assert "choose of read, run, admin" in cli("keys", "add", "bob", "--scopes", "root", *store).error
    for wrong in (("--expires", "nan"), ("--expires", "0"), ("--expires", "1e9"), ("--usd", "nan"), ("--usd", "1e12")):
        refused = cli("keys", "add", "eve", *wrong, *store)
        assert (refused.code, refused.out) == (2, "")
        assert refused.error.splitlines()[-1].startswith("Error: ") or "\n" not in refused.error
    assert len(cli("keys", "list", *store, "--json").json) == 1
    assert cli("keys", "revoke", "ann", *store).code == 0
    assert cli("keys", "list", *store, "--json").json[0]["revoked"]
    assert cli("audit", *store, "--json").json[0]["action"] == "slotforge keys revoke"
    assert "slotforge keys list" in cli("keys", "revoke", "eve", *store).error
