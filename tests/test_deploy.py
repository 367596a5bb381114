"""The files of deploy/ name commands, settings and files that there are, or that the page on deploying makes."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from slotforge.service.api.configuration import load
from slotforge.service.api.settings import Settings
from slotforge.service.cli import program

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
COMMANDS = "\n".join(PAGE.split("```")[1::2])
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
UNITS = sorted(path.name for path in DEPLOY.glob("slotforge*.*") if path.suffix in (".service", ".timer"))


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / name).read_text(encoding="utf-8"))
    return parser


def check_command(words: list[str]) -> None:
    """Parse a command line of slotforge, as far as its options go."""
    name, *rest = words
    command = program.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None, name
    if rest and (below := getattr(command, "commands", {}).get(rest[0])):
        command, rest = below, rest[1:]
    known = {option for param in command.params for option in param.opts}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_commands_that_there_are(name: str) -> None:
    found = unit(name)
    assert found["Unit"]["Description"]
    assert f"deploy/{name}" in COMMANDS, "a command puts it where systemd finds it"
    if name.endswith(".timer"):
        assert (DEPLOY / name.replace(".timer", ".service")).exists()
        return
    commands = re.findall(r"bin/slotforge ([a-z].*?)(?:'|$)", found["Service"]["ExecStart"])
    assert commands
    for command in commands:
        check_command(shlex.split(command))


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_that_starts_by_itself_is_enabled(name: str) -> None:
    if "Install" in unit(name):
        assert re.search(rf"systemctl enable --now .*\b{re.escape(name)}", COMMANDS)


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_every_path_that_a_unit_names_is_made(name: str) -> None:
    """By a command of the page, or by systemd; what may be missing has a '-' before it."""
    service = unit(name)["Service"]
    made = [f"/var/lib/{folder}" for folder in service["StateDirectory"].split()]
    made += ["/opt/slotforge"] if "git clone URL /opt/slotforge" in COMMANDS and "make .venv/ready" in COMMANDS else []
    made += re.findall(r"install .*?(/etc/\S+)", COMMANDS)
    for key, value in service.items():
        for path in re.findall(r"(?<![\w.-])/(?:etc|opt|var)/[\w/.-]+", value.replace("-/etc", "")):
            assert any(path == one or path.startswith(f"{one}/") for one in made if one != "/etc/slotforge"), (
                key,
                path,
            )


def test_bad_settings_are_not_tried_again() -> None:
    """Bad use ends with 2, and no other end of the service does."""
    assert unit("slotforge.service")["Service"]["RestartPreventExitStatus"] == "2"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/slotforge/.venv/bin/slotforge", "/bin/true"))
    verify = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=300, check=False)
    told = [line for line in done.stderr.splitlines() if any(name in line for name in UNITS)]
    assert told == []


def test_the_example_of_settings_is_one_with_its_comments_and_without(tmp_path: Path) -> None:
    text = (DEPLOY / "serve.example.toml").read_text(encoding="utf-8")
    (tmp_path / "plain.toml").write_text(text)
    assert load({}, tmp_path / "plain.toml", {}) == Settings()
    (tmp_path / "all.toml").write_text(re.sub(r"^# (?=\w+ = |\[\[)", "", text, flags=re.MULTILINE))
    full = load({}, tmp_path / "all.toml", {})
    assert full.https
    assert full.trusted_proxies
    assert full.models


def test_the_driver_of_postgresql_is_the_one_that_is_tested() -> None:
    tested = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert (ROOT / "requirements-postgres.lock").read_text(encoding="utf-8").startswith("psycopg==")
    for line in (ROOT / "requirements-postgres.lock").read_text(encoding="utf-8").splitlines():
        assert line.removesuffix(" \\") in tested
    assert "requirements-postgres.lock" in COMMANDS


def test_what_the_containers_are_given_is_made_by_commands() -> None:
    compose = yaml.safe_load(COMPOSE)
    before = COMMANDS.partition("docker compose")[0]
    for variable in re.findall(r"\$\{(\w+):\?", COMPOSE):
        assert re.search(rf"echo {variable}=\S+ >> deploy/\.env", before)
    files = [secret["file"] for secret in compose["secrets"].values()]
    files += [volume.split(":")[0] for volume in mounts(compose) if volume.startswith(".")]
    assert len(files) == 4
    for file in files:
        assert re.search(rf"(> |install .*)deploy/{re.escape(file.removeprefix('./'))}\b", before), file
    proxy = compose["networks"]["outer"]["ipam"]["config"][0]["subnet"]
    assert compose["services"]["forge"]["environment"]["SLOTFORGE_SERVE_TRUSTED_PROXIES"] == proxy


def mounts(compose: dict[str, Any]) -> list[str]:
    return [volume for service in compose["services"].values() for volume in service.get("volumes", ())]


def test_the_proxy_of_the_page_tells_who_asks_whatever_a_caller_says() -> None:
    for header, value in (("Host", "$host"), ("X-Forwarded-For", "$remote_addr"), ("X-Forwarded-Proto", "$scheme")):
        assert f"proxy_set_header {header} {value};" in PAGE


def test_the_containers_have_settings_that_there_are() -> None:
    compose = yaml.safe_load(COMPOSE)
    environment = {name: str(value) for name, value in compose["services"]["forge"]["environment"].items()}
    environment["SLOTFORGE_SERVE_PUBLIC_URL"] = re.sub(
        r"\$\{FORGE_HOST.*\}", "forge.lab", environment["SLOTFORGE_SERVE_PUBLIC_URL"]
    )
    settings = load({}, None, environment)
    assert settings.https
    assert settings.store == "postgresql+psycopg://forge@db/forge?passfile=/run/secrets/pgpass"
    assert not settings.loopback
    assert (DEPLOY.parent / compose["services"]["forge"]["build"]["dockerfile"]).exists()
    assert "ports" not in compose["services"]["db"]
    assert "ports" not in compose["services"]["forge"]
    assert compose["networks"]["inner"]["internal"]
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(compose["volumes"])


def test_the_page_on_deploying_names_commands_files_and_pages_that_there_are() -> None:
    made = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    commands = re.findall(r"(?:^|/bin/)slotforge ([^#|&;\n]*)", COMMANDS, re.MULTILINE)
    assert len(commands) >= 7
    for command in commands:
        check_command(shlex.split(command))
    for name in re.findall(r"`(deploy/[\w.-]+\.\w+)`", PAGE):
        assert name in made or (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w.-]+\.md)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
