"""Addresses of servers, and the secrets that reach neither them, records, logs nor workers."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from slotforge.core.errors import UsageError
from slotforge.search.executors._environment import secret, without_secrets
from slotforge.search.proposers import chat
from slotforge.search.proposers._endpoint import Endpoint, probe, redact
from slotforge.testing.fake_chat import serve
from slotforge.testing.quickest import quickest

SECRETS = (
    "MISTRAL_API_KEY", "WATSONX_APIKEY", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK",
    "HUGGINGFACEHUB_API_TOKEN", "AZURE_AI_CREDENTIAL", "GIGACHAT_CREDENTIALS", "RAY_AUTH_TOKEN",
    "CLIENT_SECRET", "PGPASSWORD", "GROQ_KEY", "DB_PASS", "DBPASS", "MY_PASSWD", "MYSQL_PWD",
    "SSH_PASSPHRASE", "KEY_1", "tokens",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_key_of_any_provider_is_hidden_and_kept_from_workers(monkeypatch, name):
    monkeypatch.setenv(name, "quite-secret-42")
    assert redact("a quite-secret-42 b") == "a [hidden] b"
    with without_secrets():
        assert name not in os.environ
    assert os.environ[name] == "quite-secret-42"


PLAIN = (
    "TOKENIZERS_PARALLELISM", "SLOTFORGE_SERVE_TOKEN_FILE", "KEYBOARD", "PATH", "PWD", "OLDPWD", "SSH_ASKPASS",
    "BYPASS_CACHE", "PASSAGE", "PASSWORD_STORE_DIR",
)  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_other_variables_are_left_to_workers(name):
    assert not secret(name, "/usr/bin:/bin")


@pytest.mark.parametrize("value", ["postgresql://me:hunter22@db/x", "sk-abcdefgh12345678"])
def test_what_looks_like_a_key_or_holds_a_password_is_kept_from_workers_whatever_its_name(monkeypatch, value):
    monkeypatch.setenv("DATABASE", value)
    with without_secrets():
        assert "DATABASE" not in os.environ


def test_of_a_secret_that_begins_with_another_nothing_is_left(monkeypatch):
    monkeypatch.setenv("A_KEY", "quite-secret-42")
    monkeypatch.setenv("B_KEY", "quite-secret-42-and-more")
    assert redact("a quite-secret-42-and-more b") == "a [hidden] b"


def test_redaction_knows_the_looks_of_keys():
    assert redact("sk-abcdefgh12345678, http://me:pw@host/v1") == "[hidden], http://[hidden]@host/v1"
    assert (
        redact("redis://:pw@host/0, postgresql://me:p:w@host") == "redis://[hidden]@host/0, postgresql://[hidden]@host"
    )
    assert redact("a risk-adjusted-measure of task-scheduling") == "a risk-adjusted-measure of task-scheduling"


@pytest.mark.parametrize("of", [":", "a:", "://", "sk-", "Bearer "])
def test_redaction_takes_time_in_proportion_to_the_text(of):
    text = "x://" + of * (2**17 // len(of))
    assert quickest(lambda: redact(text), turns=2) < 1


def test_a_probe_tells_models_or_why_there_are_none():
    with serve(["x"]) as server:
        found = asyncio.run(probe(server.url))
    assert (found.models, found.error) == (("fake",), "")
    assert "cannot be reached" in asyncio.run(probe("http://127.0.0.1:9/v1", timeout_s=2)).error
    assert "expected http://" in asyncio.run(probe("ftp://me:password@x")).error
    assert "password" not in asyncio.run(probe("ftp://me:password@x")).error


def test_only_this_machine_counts_as_local():
    def local(url: str) -> bool:
        return Endpoint.find(url).local

    assert all(map(local, ("http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:80/v1")))
    assert not any(map(local, ("https://api.openai.com/v1", "http://localhost.example.org/v1", "http://10.0.0.1/v1")))


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2secret@127.0.0.1:1/v1",
        "http://hunter2secret@127.0.0.1:1/v1",
        "http://127.0.0.1:1/v1?api_key=hunter2secret",
        "http://127.0.0.1:1/v1#hunter2secret",
    ],
)
def test_what_may_be_a_secret_in_the_base_url_is_refused_and_not_repeated(url):
    with pytest.raises(
        UsageError, match=r"^base URL 'http://127\.0\.0\.1:1/v1' came with a name, .* recorded"
    ) as caught:
        Endpoint.find(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8000", "http://[::1", "http:///v1?key=hunter2", "v1"])
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(UsageError, match="expected http://HOST:PORT/v1") as caught:
        Endpoint.find(url)
    assert "hunter2" not in str(caught.value)


def test_a_password_in_the_address_is_refused_for_every_provider(context):
    context = replace(context, base_url="http://user:hunter2secret@127.0.0.1:1/v1")
    with pytest.raises(UsageError, match="came with a name, a password"):
        chat.proposer("anthropic:any", context)
