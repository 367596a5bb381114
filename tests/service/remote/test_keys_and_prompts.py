"""Keys, audit and prompts of a server: as a command on its store tells them, for those who may see and change them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.core.prompting import Figures, PromptSearch, Sampled, Variant
from slotforge.lineage import keys
from slotforge.lineage.audit import note
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.client import Client

from ..conftest import Command
from .conftest import listening

READING = (
    ("keys", "list"),
    ("audit",),
    ("audit", "--actor", "root", "--limit", "1"),
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
        for actor, target in (("root", "bob"), ("ann", "[b]0123"), ("root", "eve")):
            facts = {"status": 201, "request": "0123456789abcdef"}
            note(store, actor=actor, action="POST /v1/keys", target=target, facts=facts)
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
    for command in (("keys", "list"), ("audit",)):
        refused = cli("--server", url, *command)
        assert refused.code == 1
        assert "has not the scope 'admin'" in refused.error


def test_the_audit_is_told_newest_first_of_one_actor_or_all(cli: Command, place: SqlStore) -> None:
    store = ("--store", place.name)
    assert [one["target"] for one in cli("audit", "--limit", 200, *store, "--json").json[-3:]] == [
        "eve",
        "[b]0123",
        "bob",
    ]
    assert [one["target"] for one in cli("audit", "--actor", "ann", *store, "--json").json] == ["[b]0123"]
    assert [one["target"] for one in cli("audit", "--actor", "root", "--limit", "1", *store, "--json").json] == ["eve"]
    table = cli("audit", "--actor", "ann", *store).out
    assert all(word in table for word in ("POST /v1/keys", "[b]0123", "201", "0123456789abcdef"))
    nothing = cli("audit", "--actor", "zoe", *store)
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == f"nothing was done by 'zoe' through the service of {place.name}\n"


def test_a_client_tells_the_same_typed(url: str, secrets: dict[str, str]) -> None:
    with Client(url, token=secrets["root"]) as client:
        assert [(one.name, one.limits.runs) for one in client.keys(limit=9)] == [("ann", 2), ("root", None)]
        best = list(client.prompts(domain="sat"))
        assert [(one.score, one.shipped) for one in best] == [(0.9, 0.4)]
        assert client.prompt(best[0].variant).sections == {"task": "better for sat"}
        whole = list(client.prompt_searches())
        assert [one.search.domain for one in whole] == ["optim", "sat"]
        assert [one.variant.sections["task"] for one in whole[1].sampled] == ["shipped for sat", "better for sat"]


def test_keys_are_made_and_revoked_on_a_server(
    cli: Command, url: str, place: SqlStore, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTFORGE_TOKEN", secrets["root"])
    told = cli("--server", url, "keys", "add", "bob", "--scopes", "run", "--runs", "2", "--usd", "1.5", "--expires", 7)
    assert (told.code, told.err) == (0, "this is the key 'bob': keep it, only its SHA-256 is stored\n")
    made = keys.key(place, "bob")
    assert (made.scopes, made.limits) == (("run",), keys.Allowance(runs=2, usd=1.5))
    assert made.expires is not None
    assert round((made.expires - made.created).total_seconds()) == 7 * 86_400
    with Client(url, token=told.out.strip()) as client:
        assert client.system().caller == "bob"
    document = cli("--server", url, "keys", "add", "joe", "--json").json
    assert document["key"]["scopes"] == ["read", "run"]
    assert keys.recognise(place, document["secret"]) is not None
    assert cli("--server", url, "keys", "revoke", "bob").out == "the key 'bob' is revoked\n"
    assert cli("--server", url, "keys", "revoke", "joe", "--json").json["revoked"]
    assert all(keys.key(place, name).revoked for name in ("bob", "joe"))
    done = cli("--server", url, "audit", "--limit", "4", "--json")
    assert [(one["actor"], one["action"], one["target"]) for one in done.json] == [
        ("root", "DELETE /v1/keys/{name}", "joe"),
        ("root", "DELETE /v1/keys/{name}", "bob"),
        ("root", "POST /v1/keys", "joe"),
        ("root", "POST /v1/keys", "bob"),
    ]
    assert document["secret"] not in done.out


@pytest.mark.parametrize(
    ("who", "command", "code", "said"),
    [
        ("ann", ("add", "eve"), 1, "the key 'ann' has not the scope 'admin'"),
        ("ann", ("revoke", "root"), 1, "the key 'ann' has not the scope 'admin'"),
        ("root", ("revoke", "root"), 2, "'root' is the last key with the scope 'admin'"),
        ("root", ("revoke", "none"), 2, "no key 'none'"),
        ("root", ("revoke", "../suites"), 2, "no key '../suites'"),
        ("root", ("add", "ann"), 2, "there is a key 'ann' already"),
        ("root", ("add", "No Name"), 2, "body.name"),
    ],
)
def test_what_a_server_refuses_of_keys_is_one_line(
    who: str,
    command: tuple[str, ...],
    code: int,
    said: str,
    cli: Command,
    url: str,
    place: SqlStore,
    secrets: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLOTFORGE_TOKEN", secrets[who])
    before = keys.keys(place)
    answer = cli("--server", url, "keys", *command)
    assert answer.code == code
    assert said in answer.error
    assert keys.keys(place) == before


def test_the_secret_of_a_key_is_told_but_never_shown_with_its_record(place: SqlStore) -> None:
    made = keys.add_key(place, "quiet", ["read"])
    assert made.secret not in repr(made)
    assert made.secret in made.model_dump_json()


def test_a_search_for_prompts_stays_on_this_machine(
    cli: Command, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, name = ("prompts", "sat", "--model", "openai:x"), "prompts DOMAIN"
    answer = cli("--server", url, *command)
    assert answer.code == 2
    assert f"`slotforge {name}` works on this machine alone: leave --server out" in answer.error
    monkeypatch.setenv("SLOTFORGE_SERVER", url)
    aside = cli(*command, "--store", tmp_path / "own.db")
    assert f"slotforge {name} works on a store of this machine, not on $SLOTFORGE_SERVER" in aside.err
