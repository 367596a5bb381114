"""Keys and prompts of a server that has some: as a command on its store tells them, for those who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.core.prompting import Figures, PromptSearch, Sampled, Variant
from slotforge.lineage import keys
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.client import Client

from ..conftest import Command
from .conftest import listening

READING = (
    ("keys", "list"),
    ("prompts", "--list"),
    ("prompts", "sat", "--list"),
    ("prompts", "optim", "--list"),
    ("prompts", "--show", "{variant}"),
)


def sampled(number: int, text: str, score: float) -> Sampled:
    rates = {"entropy": score, "compile_rate": 1.0, "novelty": 1.0, "score": score, "tokens": 100.0, "usd": 0.01}
    variant = Variant(operator="mutate", sections={"task": text})
    figures = Figures(samples=8, clusters=4, **rates)
    return Sampled(number=number, variant=variant, origin="rewritten", samples=(), figures=figures)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """Keep two searches for prompts in a store of its own."""
    with open_store(tmp_path_factory.mktemp("prompts") / "store.db") as store:
        book = PromptBook(store)
        for domain in ("sat", "optim"):
            search = PromptSearch(domain=domain, operator="mutate", slots=("decay",), model="m")
            book.open(search)
            for one in (sampled(0, f"shipped for {domain}", 0.4), sampled(1, f"better for {domain}", 0.9)):
                book.record(search.id, one)
        yield store


@pytest.fixture(scope="module")
def secrets(place: SqlStore) -> dict[str, str]:
    limits = keys.Allowance(runs=2, usd=1.5)
    return {
        "root": keys.add_key(place, "root", ("read", "run", "admin"), days=3).secret,
        "ann": keys.add_key(place, "ann", ("read",), limits=limits).secret,
    }


@pytest.fixture(scope="module")
def url(place: SqlStore, secrets: dict[str, str]) -> Iterator[str]:
    assert len(secrets) == 2
    settings = Settings(store=place.name, secret_file=Path(place.name).with_name("secret"))
    with listening(make_app(settings, place)) as where:
        yield where


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_a_server_tells_of_keys_and_prompts_is_what_its_store_tells(
    command: tuple[str, ...],
    cli: Command,
    place: SqlStore,
    url: str,
    secrets: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLOTFORGE_TOKEN", secrets["root"])
    words = [word.format(variant=sampled(1, "better for sat", 0.9).variant.id[:8]) for word in command]
    for form in (("--json",), ()):
        here, there = cli(*words, *form, "--store", place.name), cli("--server", url, *words, *form)
        assert (here.code, here.err, there.err) == (0, "", "")
        assert (there.code, there.out) == (0, here.out)
        assert here.out.strip() not in ("", "[]")
        assert not any(secret in there.out for secret in secrets.values())


def test_only_an_administrator_is_told_the_keys_and_every_reader_the_prompts(
    cli: Command, url: str, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SLOTFORGE_TOKEN" in cli("--server", url, "prompts", "--list").error
    monkeypatch.setenv("SLOTFORGE_TOKEN", secrets["ann"])
    assert cli("--server", url, "prompts", "--list").code == 0
    refused = cli("--server", url, "keys", "list")
    assert refused.code == 1
    assert "admin" in refused.error


def test_a_client_tells_the_same_typed(url: str, secrets: dict[str, str]) -> None:
    with Client(url, token=secrets["root"]) as client:
        assert [(one.name, one.limits.runs) for one in client.keys(limit=9)] == [("ann", 2), ("root", None)]
        best = list(client.prompts(domain="sat"))
        assert [(one.score, one.shipped) for one in best] == [(0.9, 0.4)]
        assert client.prompt(best[0].variant).sections == {"task": "better for sat"}
        whole = list(client.prompt_searches())
        assert [one.search.domain for one in whole] == ["optim", "sat"]
        assert [one.variant.sections["task"] for one in whole[1].sampled] == ["shipped for sat", "better for sat"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("keys", "add", "eve"), "keys add"),
        (("keys", "revoke", "ann"), "keys revoke"),
        (("prompts", "sat", "--model", "openai:x"), "prompts DOMAIN"),
    ],
)
def test_what_changes_keys_or_searches_for_prompts_stays_on_this_machine(
    command: tuple[str, ...],
    name: str,
    cli: Command,
    url: str,
    place: SqlStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = keys.keys(place)
    answer = cli("--server", url, *command)
    assert answer.code == 2
    assert f"`slotforge {name}` works on this machine alone: leave --server out" in answer.error
    assert keys.keys(place) == before
    monkeypatch.setenv("SLOTFORGE_SERVER", url)
    aside = cli(*command, "--store", tmp_path / "own.db")
    assert f"slotforge {name} works on a store of this machine, not on $SLOTFORGE_SERVER" in aside.err
    assert keys.keys(place) == before
