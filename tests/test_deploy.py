"""The files of deploy/ name commands, settings and files that there are."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from slotforge.service.api.configuration import load
from slotforge.service.cli import program

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
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
    if name.endswith(".timer"):
        assert (DEPLOY / name.replace(".timer", ".service")).exists()
        return
    commands = re.findall(r"bin/slotforge ([a-z].*?)(?:'|$)", found["Service"]["ExecStart"])
    assert commands
    for command in commands:
        check_command(shlex.split(command))


def test_the_containers_have_settings_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    environment = {name: str(value) for name, value in compose["services"]["forge"]["environment"].items()}
    settings = load({}, None, environment)
    assert settings.store == "postgresql+psycopg://forge@db/forge?passfile=/run/secrets/pgpass"
    assert not settings.loopback
    assert (DEPLOY.parent / compose["services"]["forge"]["build"]["dockerfile"]).exists()
    assert "ports" not in compose["services"]["db"]
    assert "ports" not in compose["services"]["forge"]
    assert compose["networks"]["inner"]["internal"]
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= set(compose["volumes"])


def test_the_page_on_deploying_names_commands_files_and_pages_that_there_are() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    commands = [
        line for block in text.split("```")[1::2] for line in re.findall(r"^slotforge ([^#|&\n]*)", block, re.MULTILINE)
    ]
    assert len(commands) >= 7
    for command in commands:
        check_command(shlex.split(command))
    for name in re.findall(r"`(deploy/[\w.-]+\.\w+)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w.-]+\.md)", text):
        assert (ROOT / "docs" / name).exists(), name
