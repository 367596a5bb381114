"""Every command asks the server that is named, or says in one line that it works on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from slotforge.core.home import home
from slotforge.service.cli import program
from slotforge.service.transport import Transport
from slotforge.testing import landscape

from ..conftest import Command, Found


@dataclass(frozen=True)
class Use:
    """How a command is used on a server, and how it ends there; `said` is part of a refusal of the server."""

    words: tuple[str, ...] = ()
    code: int = 0
    said: str = ""


ASK = {
    "audit": Use(),
    "best": Use(("{domain}",)),
    "cancel": Use(("{run}",), 2, "{run}"),
    "confirm": Use(("{winner}", "--instances", "suite:none"), 2, "uploaded instances are formulas"),
    "diff": Use(("baseline", "{winner}")),
    "discover": Use(("sat", "--instances", "suite:none"), 2, "no suite 'none'"),
    "doctor": Use(),
    "export": Use(("{winner}", "--as", "nothing", "--out", "{out}"), 2, "nothing"),
    "keys add": Use(("No Name",), 2, "body.name"),
    "keys list": Use(),
    "keys revoke": Use(("none",), 2, "no key 'none'"),
    "lineage": Use(("{winner}",)),
    "logs": Use(("{run}",)),
    "pause": Use(("{run}",), 2, "{run}"),
    "prompts": Use(("--list",)),
    "resume": Use(("{run}",)),
    "runs": Use(),
    "show": Use(("{run}",)),
    "solve": Use(("{formula}", "--heuristics", "{winner}"), 2, "a SAT solver cannot use it"),
    "suites add": Use(("every", "{formula}")),
    "suites list": Use(),
    "suites remove": Use(("none",), 2, "no suite 'none'"),
    "suites show": Use(("none",), 2, "no suite 'none'"),
    "usage": Use(),
}
STAY = ("bench", "completion", "db", "generate", "list", "serve")


def commands(group: click.Group = program, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every command with its group, and as one those groups that stay on this machine."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group) and name not in STAY:
            yield from commands(found, (*before, name))
        else:
            yield " ".join((*before, name))


def test_a_new_command_says_where_it_works() -> None:
    assert sorted(commands()) == sorted([*ASK, *STAY])


@pytest.mark.parametrize("command", ASK)
def test_a_command_asks_the_server_and_nothing_of_this_machine(
    command: str, cli: Command, server: str, found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = Transport.send

    def heard(self: Transport, method: str, path: str, **options: Any) -> Any:
        asked.append(path)
        return send(self, method, path, **options)

    monkeypatch.setattr(Transport, "send", heard)
    (formula := tmp_path / "a.cnf").write_text("p cnf 1 1\n1 0\n")
    words = {"run": found.report.run, "winner": found.winner, "domain": landscape.NAME}
    paths = {"formula": str(formula), "out": str(tmp_path / "out")}
    use = ASK[command]
    answer = cli("--server", server, *command.split(), *(word.format(**words, **paths) for word in use.words))
    assert answer.code == use.code, answer.err
    assert asked
    assert "Traceback" not in answer.err
    if use.said:
        assert use.said.format(**words) in answer.error
    assert not [*home().glob("*.db")]


@pytest.mark.parametrize("command", [*STAY, "prompts sat --model openai:x"])
def test_a_command_of_this_machine_says_so_and_tells_its_help(command: str, cli: Command, server: str) -> None:
    answer = cli("--server", server, *command.split())
    assert answer.code == 2
    assert answer.error.endswith("works on this machine alone: leave --server out")
    assert not [*home().glob("*.db")]
    told = cli("--server", server, *command.split()[:1], "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Usage: slotforge")


@pytest.mark.parametrize("command", ["audit", "best {domain}", "logs {run}", "runs"])
def test_a_list_is_never_asked_for_more_than_a_database_can_count(command: str, cli: Command, found: Found) -> None:
    words = command.format(run=found.report.run, domain=landscape.NAME).split()
    assert cli(*words, "--store", found.store, "--limit", 2**31 - 1).code == 0
    answer = cli(*words, "--store", found.store, "--limit", 10**20)
    assert answer.code == 2
    assert "--limit" in answer.error
