"""The command `prompts`: what it prints, lists and refuses, and that runs say which prompts they used."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from slotforge.service.cli import discover, prompts
from slotforge.testing import landscape
from slotforge.testing.fake_chat import FakeChat, Reply, failure, hang, serve

from .conftest import Command

PASSWORD = "planted-0123456789"


def varied(request: Mapping[str, Any]) -> Reply | str:
    """Answer with a different number each time once the prompt was rewritten, and before that always with the same."""
    text = request["messages"][-1]["content"]
    if "=== task ===" in text:
        return f"=== task ===\nTake another number, {text.split()[-1]}\n"
    source = f"0.{100 + int(text.split()[-1][:-1])}" if "Take another" in text else "0.31"
    return f"An idea.\n\n```cpp\n// slot: alpha\n{source}\n```\n"


@pytest.fixture
def server() -> Iterator[FakeChat]:
    with serve(varied) as running:
        yield running


@pytest.fixture(autouse=True)
def landscape_is_a_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its policies are one number each; here they stand for code without numbers to tune."""
    monkeypatch.setattr(landscape.Landscape, "numbers", lambda *_: {})
    for command in (prompts.command, discover.command):
        monkeypatch.setattr(command.params[0], "type", click.Choice([landscape.NAME]))


def search(server: FakeChat, *more: object) -> tuple[object, ...]:
    model = ("--model", "openai:any", "--base-url", server.url)
    return ("prompts", landscape.NAME, "--slots", "alpha", *model, "--samples", 2, "--completions", 9, *more)


def test_a_search_prints_its_variants_with_the_best_first(cli: Command, server: FakeChat) -> None:
    said = cli(*search(server))
    assert said.code == 0, said.err
    header, _, first, *_ = said.out.strip().splitlines()
    assert " ".join(header.split()) == "variant came about kinds entropy compile novel score tokens USD front"
    assert first.split()[-8:] == ["2", "0.693", "1.00", "1.00", "0.693", "120", "0.0000", "*"]
    assert "rewritten from " in first
    assert "8 completions, 960 tokens, 0.0000 USD, 2 of each variant" in said.out
    assert f"best: {first.split()[0]}; read it with `slotforge prompts --show {first.split()[0]}`" in said.out
    assert "a score is at most 0.693, where all answers differ" in said.out
    assert "8 completions are made" in said.err


def test_the_document_holds_all_and_the_best_can_be_shown_and_used(cli: Command, server: FakeChat) -> None:
    found = cli(*search(server, "--json")).json
    assert found["completions"] == len(server.requests) == 8
    shipped, *written = found["variants"]
    assert (shipped["origin"], shipped["figures"]["score"]) == ("shipped", 0)
    assert found["best"] in {one["id"] for one in written if one["front"]}
    assert [sample["novel"] for sample in written[0]["samples"]] == [True, True]
    shown = cli("prompts", "--show", found["best"][:8])
    assert f"variant {found['best']} of the prompt for mutate" in shown.out
    assert "=== task ===\nTake another number, " in shown.out
    assert cli("prompts", "--show", found["best"], "--json").json["sections"]["guidelines"] == ""

    listed = cli("prompts", "--list")
    assert listed.out.strip().splitlines()[2].split()[:4] == [found["best"], landscape.NAME, "mutate", "alpha"]
    assert cli("prompts", "--list", "--json").json == [found]
    (spent,) = cli("usage", "--json").json
    assert [spent[name] for name in ("owner", "model", "runs", "prompt_searches")] == ["local", "openai:any", 0, 1]
    assert (spent["calls"], spent["input_tokens"] + spent["output_tokens"]) == (8, found["tokens"])
    run = _discover(cli, server, "--prompts", "best")
    options = cli("show", run, "--json").json["run"]["config"]["options"]
    assert options["prompts"] == {"mutate": found["best"]}
    assert f"prompts     mutate {found['best']}" in cli("show", run).out


def _discover(cli: Command, server: FakeChat, *more: object) -> str:
    limits = ("--evals", 2, "--per-family", 12, "--start", "default", "--no-tuned-baseline", "--tune-share", 0)
    model = ("--model", "openai:any", "--base-url", server.url, "--executor", "inline")
    said = cli("discover", landscape.NAME, "--instances", "hills", "--slots", "alpha", *limits, *model, "--json", *more)
    assert said.code == 0, said.err
    return str(said.json["run"])


def test_a_run_with_shipped_prompts_says_nothing_of_them(cli: Command, server: FakeChat) -> None:
    run = _discover(cli, server)
    assert "prompts" not in cli("show", run, "--json").json["run"]["config"]["options"]
    assert not any(line.startswith("prompts") for line in cli("show", run).out.splitlines())


def test_what_cannot_be_done_is_one_line(cli: Command, server: FakeChat, tmp_path: Path) -> None:
    assert "offline varies code without reading prompts" in cli("prompts", landscape.NAME, "--model", "offline").error
    assert "give DOMAIN and --model to search, or --list" in cli("prompts").error
    empty = _empty(cli, tmp_path)
    assert "is none of the variants of prompts" in cli("prompts", "--show", "abcdef", "--store", empty).error
    assert "no operator called 'dream'" in cli(*search(server, "--operator", "dream")).error
    assert server.requests == []


def _empty(cli: Command, tmp_path: Path) -> Path:
    store = tmp_path / "empty.db"
    assert cli("db", "upgrade", "--store", store).code == 0
    assert "no prompts in" in cli("prompts", "--list", "--store", store).err
    return store


def test_a_password_in_the_address_reaches_no_file(cli: Command, server: FakeChat, tmp_path: Path) -> None:
    url = server.url.replace("127.0.0.1", f"user:{PASSWORD}@127.0.0.1")
    said = cli("prompts", landscape.NAME, "--slots", "alpha", "--model", "openai:any", "--base-url", url)
    assert said.code == 2
    assert PASSWORD not in said.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_a_model_that_does_not_answer_says_how_to_go_on(cli: Command) -> None:
    with serve([failure(401)]) as server:
        said = cli(*search(server))
    assert said.code == 1
    assert "what was answered is kept: mend that, then the same command goes on" in said.err


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    cli: Command, python_main: list[str], tmp_path: Path
) -> None:
    slow = [False]

    def hanging(request: Mapping[str, Any]) -> Reply | str:
        return hang(30) if slow[0] and len(server.requests) > 4 else varied(request)

    with serve(hanging) as server:
        slow[0] = True
        patch = (
            "import click; from slotforge.service.cli import main, prompts; "
            f"prompts.command.params[0].type = click.Choice(['{landscape.NAME}']); main()"
        )
        arguments = [str(argument) for argument in search(server)]
        job = subprocess.Popen(
            [python_main[0], "-c", patch, *arguments],
            env={**os.environ, "SLOTFORGE_HOME": str(tmp_path / "home")},
            stderr=subprocess.PIPE,
            text=True,
        )
        while len(server.requests) < 5:
            assert job.poll() is None, job.stderr and job.stderr.read()
            time.sleep(0.05)
        job.send_signal(signal.SIGINT)
        _, told = job.communicate(timeout=60)
        assert job.returncode == 130, told
        assert "the same command goes on" in told
        slow[0] = False
        before = len(server.requests)
        assert cli(*search(server, "--json")).json["completions"] == 8
        assert len(server.requests) - before <= 8 - 3
