"""Chat models, through a scripted server: what is sent, what is recorded, and what happens when it goes wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import time

import pytest

from slotforge.core.errors import BudgetExhausted, ModelError, UsageError
from slotforge.core.types import Budget, Prompt
from slotforge.search.proposers import _endpoint, chat, make, refuse_endless
from slotforge.search.proposers._prices import FREE, price
from slotforge.search.proposers._retry import fault
from slotforge.testing.fake_chat import Reply, failure, garbage, half, hang, huge, serve

from .conftest import KEY, PROMPT, REQUEST, Hours, code


def ask(model, prompt=PROMPT):
    return asyncio.run(model.complete(prompt, REQUEST, None))


def test_the_prompt_is_sent_as_it_is_and_usage_and_cost_are_recorded(chat_on):
    with serve(["some code"]) as server:
        model = chat_on(server.url)
        completion = ask(model)
        request, headers = server.requests[0], server.headers[0]
    assert [(m["role"], m["content"]) for m in request["messages"]] == list(PROMPT.messages)
    assert request["model"] == "gpt-4o"
    assert request["max_completion_tokens"] == chat.Settings.max_output_tokens
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (completion.text, completion.model) == ("some code", "openai:gpt-4o")
    assert (completion.input_tokens, completion.output_tokens) == (100, 20)
    assert completion.usd == pytest.approx(100 * 2.5e-6 + 20 * 10e-6)
    assert (model.ledger.tokens, model.ledger.usd) == (120, completion.usd)


def test_an_answer_whose_tokens_the_server_does_not_count_costs_the_most_that_it_may_have(chat_on, caplog):
    prompt = Prompt(operator="fresh", messages=(("user", "\u6f22" * 10),))
    with serve([Reply(text="\u6f22" * 100, usage=None)]) as server:
        model = chat_on(server.url, max_output_tokens=500)
        first, second = ask(model, prompt), ask(model, prompt)
    assert (first.input_tokens, first.output_tokens) == (30 + chat.MESSAGE_TOKENS, 500)
    assert model.ledger.tokens == 2 * (first.input_tokens + first.output_tokens)
    assert model.ledger.usd == first.usd + second.usd > 0
    assert caplog.text.count("does not count tokens") == 1


def test_an_answer_that_is_longer_than_was_asked_for_costs_a_token_for_each_byte_where_nobody_counts(chat_on):
    with serve([Reply(text="\u6f22" * 2_000_000, usage=None)]) as server:
        model = chat_on(server.url, budget=Budget(tokens=100_000))
        completion = ask(model)
        with pytest.raises(BudgetExhausted):
            ask(model)
    assert (len(completion.text), completion.output_tokens) == (1_000_000, 6_000_000)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ((100, 0), (100, 0)),
        ((0, 0), (58, 500)),
        ((0, 7), (58, 7)),
        ((-(10**6), 7), (58, 7)),
        ((100, -(10**6)), (100, 0)),
        ((10**30, 10**30), (58, 500)),
    ],
)
def test_what_a_server_counts_holds_where_it_can_be(chat_on, usage, counted):
    with serve([Reply(text="", usage=usage)]) as server:
        completion = ask(chat_on(server.url, max_output_tokens=500))
    assert (completion.input_tokens, completion.output_tokens) == counted


def test_a_busy_server_is_asked_again_when_it_says(chat_on):
    hours = Hours()
    script = [
        failure(429, retry_after="7"),
        failure(503, retry_after_ms="250"),
        failure(429, retry_after="9999"),
        failure(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        failure(500),
        "there",
    ]
    with serve(script) as server:
        assert ask(chat_on(server.url, hours=hours, tries=6)).text == "there"
        assert len(server.requests) == 6
    assert hours.pauses == [7.0, 0.25, 60.0, 16.0]


@pytest.mark.parametrize("wish", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "soon", "-1", "nan", "1e400"])
def test_a_wish_that_makes_no_sense_is_none(chat_on, wish):
    with serve([failure(429, retry_after=wish), "there"]) as server:
        assert ask(chat_on(server.url)).text == "there"


def test_an_error_of_a_provider_may_tell_its_message_in_any_form():
    error = RuntimeError()
    error.message = {"detail": "no"}
    assert "detail" in fault(error).what


def test_pauses_double_and_are_bounded():
    pauses = [fault(TimeoutError()).pause(tries) for tries in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("reply", "line", "asked"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}"), "401 the key is refused: check OPENAI_API_KEY", 1),
        (failure(404, "The model `gpt-4o` does not exist"), "about 'openai:gpt-4o': 404 no such model", 1),
        (failure(400, "bad value"), "400: .*bad value", 1),
        (Reply(status=302, headers={"location": "http://127.0.0.1:1/"}), "302", 1),
        (failure(429, "insufficient_quota"), "429.*insufficient_quota", 1),
        (failure(429), r"429.*try later \(3 tries\)", 3),
        (failure(500, "boom"), r"500.*boom \(3 tries\)", 3),
        (garbage(), r"no chat completion .*it works.* \(3 tries\)", 3),
        (garbage(b'{"a": 1}', "application/json"), "no chat completion", 3),
        (garbage(b'{"choices": []}', "application/json"), "no chat completion", 3),
        (garbage(b"{", "application/json"), "no chat completion", 3),
        (half(), r"broke off.*\(3 tries\)", 3),
    ],
)
def test_a_failure_is_one_line_that_names_server_and_cause(chat_on, reply, line, asked):
    with serve([reply]) as server:
        with pytest.raises(ModelError, match=line) as caught:
            ask(chat_on(server.url))
        assert len(server.requests) == asked
        assert str(caught.value).startswith(server.url)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600


def test_a_server_that_hangs_is_given_up_and_asked_again(chat_on):
    with serve([hang(1.0), "there"]) as server:
        model = chat_on(server.url, timeout_s=0.3)
        assert ask(model).text == "there"
        assert len(server.requests) == 2
        assert model.ledger.tokens > chat.Settings.max_output_tokens + 120  # the silent try may be billed in full
    with serve([hang(1.0)]) as server, pytest.raises(ModelError, match=r"no answer in time \(2 tries\)"):
        ask(chat_on(server.url, timeout_s=0.2, tries=2))


def test_no_server_is_said_to_be_unreachable_and_costs_nothing(chat_on):
    model = chat_on("http://127.0.0.1:9/v1")
    with pytest.raises(ModelError, match=r"^http://127\.0\.0\.1:9/v1.*cannot be reached.*is the server running"):
        ask(model)
    assert model.ledger.tokens == 0


def test_a_server_that_writes_more_than_asked_is_told_of_and_reckoned_with(chat_on, caplog):
    with serve([Reply(text="x", usage=(30, 500))]) as server:
        model = chat_on(server.url, budget=Budget(tokens=1000), max_output_tokens=100)
        assert ask(model).output_tokens == 500
        with pytest.raises(BudgetExhausted):
            ask(model)
    assert "wrote 500 tokens where at most 100 were asked for" in caplog.text
    assert model.ledger.tokens == 530


def test_tries_that_may_be_billed_never_pass_a_limit_together(chat_on):
    with serve([hang(1.0)]) as server:
        model = chat_on(server.url, timeout_s=0.2, tries=9, budget=Budget(tokens=50_000))
        with pytest.raises(BudgetExhausted, match="tokens are spent"):
            ask(model)
        assert len(server.requests) == 3
    assert model.ledger.tokens <= 50_000


def test_empty_and_endless_answers_are_recorded_within_bounds(chat_on):
    with serve(["", huge()]) as server:
        model = chat_on(server.url)
        assert ask(model).text == ""
        assert len(ask(model).text) == 1_000_000


def test_an_answer_that_does_not_end_is_given_up(chat_on, monkeypatch):
    monkeypatch.setattr(_endpoint, "MOST_BYTES", 1_000_000)
    with serve([huge(3_000_000), huge(900_000)]) as server:
        assert len(ask(chat_on(server.url)).text) == 900_000
    with serve([huge(3_000_000)]) as server, pytest.raises(ModelError, match="more than 1,000,000 bytes"):
        ask(chat_on(server.url))


def test_the_key_appears_in_no_error_record_log_or_prompt(chat_on, caplog):
    caplog.set_level(logging.DEBUG)
    replies = [failure(401, f"bad key {KEY}"), failure(500, f"Bearer {KEY}"), garbage(KEY.encode()), f"key: {KEY}"]
    told = []
    for reply in replies:
        with serve([reply]) as server:
            model = chat_on(server.url)
            told.append(repr(model))
            try:
                told.append(ask(model).model_dump_json())
            except ModelError as error:
                told += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
            told += [str(r) for r in server.requests]
    told += [record.getMessage() for record in caplog.records]
    assert len(told) > 10
    assert not [line for line in told if KEY in line]


def test_eight_questions_at_once_stay_within_the_budget_and_the_bound(chat_on):
    prompts = [Prompt(operator="fresh", messages=(("user", f"Proposal {i:02}."),)) for i in range(24)]
    with serve([Reply(text="x", usage=(28, 100), wait_s=0.01)]) as server:
        model = chat_on(server.url, budget=Budget(tokens=1600), at_once=4, max_output_tokens=100)

        async def run() -> list[object]:
            return await asyncio.gather(*(model.complete(p, REQUEST, None) for p in prompts), return_exceptions=True)

        results = asyncio.run(run())
        assert server.most_at_once <= 4
        answered = len(server.requests)
    assert answered == 12
    assert model.ledger.tokens == 12 * 128 <= 1600
    assert sum(isinstance(r, BudgetExhausted) for r in results) == 12


def test_dollars_are_never_exceeded(chat_on):
    with serve([Reply(text="x", usage=(30, 100))]) as server:
        model = chat_on(server.url, budget=Budget(usd=0.005), max_output_tokens=100)
        for _ in range(3):
            ask(model)
        while model.ledger.usd < 0.0035:
            ask(model)
        with pytest.raises(BudgetExhausted, match="USD are spent"):
            ask(model)
    assert model.ledger.usd <= 0.005


def test_the_time_of_the_budget_ends_a_call(chat_on):
    begin = time.monotonic()
    with serve([hang(1.5)]) as server, pytest.raises(BudgetExhausted, match=r"the time .*is over"):
        ask(chat_on(server.url, budget=Budget(time_s=0.3)))
    assert time.monotonic() - begin < 30


def test_a_proxy_of_the_environment_is_not_asked_for_a_server_on_this_machine(chat_on, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serve(["direct"]) as server:
        assert ask(chat_on(server.url)).text == "direct"


def test_a_model_may_be_asked_from_one_event_loop_after_another(chat_on):
    with serve(["a", "b"]) as server:
        model = chat_on(server.url)
        assert [ask(model).text, ask(model).text] == ["a", "b"]


def test_a_name_that_openai_serves_elsewhere_is_still_asked_by_chat(chat_on):
    with serve(["x"]) as server:
        assert ask(chat_on(server.url, name="gpt-5-pro")).text == "x"


def test_specs_that_name_no_model_are_usage_errors(context, monkeypatch):
    def fails(spec: str, line: str, kind=UsageError, **options) -> None:
        with pytest.raises(kind, match=line):
            make(spec, domain=context.domain, budget=context.ledger, **options)

    fails("gpt-4o", "no model called 'gpt-4o': use offline, openai:gpt-4o")
    fails("openai:", "say which")
    fails("nobody:x", "model 'nobody:x'")
    fails("anthropic:x", "langchain-anthropic")
    fails("offline", "answers 'xml': choose from fences, json", options={"answers": "xml"})
    fails("offline", "when_down 'cry': choose from stop, wait, offline", options={"when_down": "cry"})
    fails("offline:x", "offline takes nothing")
    fails(" , ", "no model given")
    fails("openai:gpt-4o", "expected http://HOST:PORT/v1", base_url="ftp://x")
    monkeypatch.delenv("OPENAI_API_KEY")
    fails("openai:gpt-4o", "no key for https://api.openai.com/v1: set OPENAI_API_KEY", ModelError)
    monkeypatch.setenv("SLOTFORGE_MODEL_TIMEOUT", "soon")
    fails("openai:gpt-4o", "SLOTFORGE_MODEL_TIMEOUT='soon'", base_url="http://127.0.0.1:9/v1")


def test_a_server_on_this_machine_needs_no_key(chat_on, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with serve(["free"]) as server:
        assert ask(chat_on(server.url)).text == "free"


def test_an_unknown_price_is_said_once_and_refused_where_dollars_are_limited(chat_on, caplog, tmp_path, monkeypatch):
    with serve(["x"]) as server:
        model = chat_on(server.url, name="my-own-model")
        assert ask(model).usd == 0
        assert ask(model).usd == 0
    assert [r.getMessage() for r in caplog.records if "price" in r.getMessage()] == [
        "the price of 'openai:my-own-model' is not known: its calls count as 0 USD"
    ]
    for url in ("https://models.example.org/v1", "http://127.0.0.1:9/v1"):  # where a proxy may be, which is paid for
        with pytest.raises(UsageError, match=r'--usd cannot be kept: write "my-own-model" = .* 0 where it is free'):
            chat_on(url, name="my-own-model", budget=Budget(usd=1))
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))
    (tmp_path / "prices.toml").write_text('[models]\n"my-own-model" = [0, 0, 0]\n')
    assert chat_on("http://127.0.0.1:9/v1", name="my-own-model", budget=Budget(usd=1)).rate == FREE


@pytest.mark.parametrize("spec", ["openai:mine", "openai:mine,offline"])
def test_dollars_alone_do_not_limit_models_that_cost_nothing(spec, tmp_path, monkeypatch):
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))
    (tmp_path / "prices.toml").write_text('[models]\n"mine" = [0, 0, 0]\n')

    with pytest.raises(UsageError, match="costs nothing, so --usd would end no search: add --evals"):
        refuse_endless(spec, Budget(usd=1))
    refuse_endless(spec, Budget(usd=1, evals=5))
    refuse_endless(spec, Budget(usd=1, tokens=5))
    refuse_endless("openai:mine,openai:gpt-4o", Budget(usd=1))


def test_prices_are_found_by_name_with_or_without_a_date_and_may_be_the_users_own(tmp_path, monkeypatch):
    assert price("gpt-4o-2024-11-20") == price("gpt-4o")
    assert price("gpt-4o").usd(read=1_000_000, cached=400_000, written=0) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25)
    assert price("nothing") is None
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "prices.toml").write_text('[models]\n"mine" = [1, 0.1, 2]\n')
    assert price("mine").usd(read=0, cached=0, written=1_000_000) == 2
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "bad"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "prices.toml").write_text('[models]\n"mine" = 3\n')
    with pytest.raises(UsageError, match=r"prices\.toml: expected"):
        price("mine")


def test_tracing_to_a_third_party_is_off_unless_asked_for(chat_on, monkeypatch):

    monkeypatch.delenv("LANGSMITH_TRACING", raising=False)
    chat_on("http://127.0.0.1:9/v1")
    assert os.environ["LANGSMITH_TRACING"] == "false"
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    chat_on("http://127.0.0.1:9/v1")
    assert os.environ["LANGSMITH_TRACING"] == "true"


def test_what_a_server_asks_to_wait_holds_for_all_questions_to_it(chat_on):
    """The first question meets 429; the second, of another model there, goes no earlier than the first may."""
    hours, asked = Hours(), []

    def script(request):
        asked.append((request["model"], hours.now))
        return failure(429, retry_after="30") if len(asked) == 1 else "there"

    with serve(script) as server:
        one = chat_on(server.url, hours=hours)
        other = chat_on(server.url, name="gpt-4.1", hours=hours)
        other.server = one.server

        async def run():
            first = asyncio.create_task(one.complete(PROMPT, REQUEST, None))
            while one.server.shut_until == 0:
                await asyncio.sleep(0.01)
            return await asyncio.gather(first, other.complete(PROMPT, REQUEST, None))

        assert [answer.text for answer in asyncio.run(run())] == ["there", "there"]
    assert asked[0] == ("gpt-4o", 0)
    assert sorted(asked[1:]) == [("gpt-4.1", 30.0), ("gpt-4o", 30.0)]


def test_models_of_an_ensemble_on_one_server_share_it(context):
    spec = "openai:gpt-4o, openai:gpt-4.1"
    ensemble = make(spec, domain=context.domain, budget=context.ledger, base_url="http://127.0.0.1:9/v1")
    one, other = ensemble.members
    assert one.server is other.server


def test_questions_go_at_the_rate_that_is_set(chat_on, monkeypatch):
    monkeypatch.setenv("SLOTFORGE_MODEL_RPM", "20")
    hours = Hours()
    with serve(["x"]) as server:
        model = chat_on(server.url, hours=hours)
        for _ in range(3):
            ask(model)
    assert hours.pauses == [3.0, 3.0]
    monkeypatch.setenv("SLOTFORGE_MODEL_RPM", "0")
    with pytest.raises(UsageError, match="SLOTFORGE_MODEL_RPM='0'"):
        chat_on("http://127.0.0.1:9/v1")


def test_as_many_questions_are_under_way_as_is_set(context, monkeypatch):
    def places(text):
        monkeypatch.setenv("SLOTFORGE_MODEL_AT_ONCE", text)
        at = f"http://127.0.0.1:{len(text) + 9}/v1"
        return make("openai:gpt-4o", domain=context.domain, budget=context.ledger, base_url=at).server.at_once

    assert (places("32"), places("")) == (32, 8)
    for wrong in ("0", "-1", "many", "1.5"):
        with pytest.raises(UsageError, match=f"SLOTFORGE_MODEL_AT_ONCE='{wrong}': expected a whole number above 0"):
            places(wrong)


def test_a_server_is_held_to_the_form_of_answers_where_that_is_asked_for_and_else_not(chat_on):
    with serve(["{}"]) as server:
        ask(chat_on(server.url, own={"answers": "json"}))
        ask(chat_on(server.url, own={"answers": "json"}), Prompt(operator="advise", messages=PROMPT.messages))
        ask(chat_on(server.url))
        held, advised, free = server.requests
    schema = held["response_format"]["json_schema"]["schema"]
    with serve(["{}"]) as server:  # what the server reads of the schema is reserved as well
        fits = Budget(tokens=100 + sum(len(text) + chat.MESSAGE_TOKENS for _, text in PROMPT.messages))
        ask(chat_on(server.url, budget=fits, max_output_tokens=100))
        with pytest.raises(BudgetExhausted):
            ask(chat_on(server.url, budget=fits, max_output_tokens=100, own={"answers": "json"}))
    assert schema["properties"]["code"]["required"] == ["due"]
    assert "response_format" not in advised
    assert "response_format" not in free


def test_a_server_that_knows_no_schema_is_asked_without(chat_on, caplog):
    def script(request):
        return failure(400, "response_format is not supported") if "response_format" in request else "there"

    with serve(script) as server:
        model = chat_on(server.url, own={"answers": "json"})
        assert [ask(model).text, ask(model).text] == ["there", "there"]
        assert len(server.requests) == 3
    assert "asking without a schema from now on" in caplog.text


def test_questions_that_were_under_way_when_a_server_refused_a_schema_are_asked_without_it_too(chat_on):
    def script(request):
        held = "response_format" in request
        return Reply(status=400, body=b'{"error": {"message": "no"}}', wait_s=0.2) if held else "there"

    with serve(script) as server:
        model = chat_on(server.url, own={"answers": "json"})

        async def run():
            return await asyncio.gather(*(model.complete(PROMPT, REQUEST, None) for _ in range(3)))

        assert [answer.text for answer in asyncio.run(run())] == ["there"] * 3


def test_the_beginning_of_all_prompts_of_a_run_is_the_same_so_that_servers_can_cache_it(chat_on, open_dialogue):
    with serve([code()]) as server:
        for number in (1, 2):
            asyncio.run(open_dialogue(chat_on(server.url), number=number).first())
        first, second = ([(m["role"], m["content"]) for m in request["messages"]] for request in server.requests)
    assert first[0][0] == "system"
    assert first[0] == second[0]
    assert first != second
