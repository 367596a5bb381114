"""Replay: a recording answers bit-equal, in either form, and says what it lacks."""

from __future__ import annotations

import asyncio
import hashlib
import json
from types import SimpleNamespace

import pytest

from slotforge.core.errors import ModelError, UnknownId, UsageError
from slotforge.core.types import Call, Completion, Prompt
from slotforge.search.proposers import make
from slotforge.search.proposers.replay import Answer, Replay, read
from slotforge.testing.fake_chat import serve

from .conftest import PROMPT, REQUEST, code, struct

COMPLETION = Completion(
    text=code("return 8;") + "\u00e9\r\n ", model="openai:x", input_tokens=3, usd=0.25, latency_s=1.5
)


def spaced_key(messages) -> str:
    return hashlib.sha256(json.dumps(messages).encode()).hexdigest()


def ask(proposer, prompt=PROMPT):
    return asyncio.run(proposer.complete(prompt, REQUEST, None))


@pytest.fixture
def replay(tmp_path, context):
    def make_replay(*rows, end="\n"):
        path = tmp_path / "calls.jsonl"
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + end)
        return make(f"replay:{path}", domain=context.domain, budget=context.ledger)

    return make_replay


def pairs():
    return [list(message) for message in PROMPT.messages]


def objects():
    return [{"role": role, "content": text} for role, text in PROMPT.messages]


def test_a_recorded_completion_comes_back_bit_equal(replay):
    fields = COMPLETION.model_dump()
    row = {"key": PROMPT.id, "messages": pairs(), "answer": fields.pop("text"), **fields}
    assert ask(replay(row)) == COMPLETION


@pytest.mark.parametrize(
    "row",
    [
        {"messages": objects()},
        {"messages": [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in objects()]},
        {"messages": [{**objects()[0], "role": "developer"}, objects()[1]]},
        {"key": PROMPT.id},
        {"key": spaced_key(pairs())},
        {"key": spaced_key(pairs()), "model": "any", "messages": objects()},
    ],
)
def test_recordings_of_other_tools_are_read(replay, row):
    assert ask(replay({**row, "answer": "yes"})).text == "yes"


def test_the_same_prompt_gets_its_answers_in_order_and_the_last_one_for_good(replay):
    proposer = replay(*({"messages": pairs(), "answer": text} for text in "abc"))
    assert [ask(proposer).text for _ in range(4)] == ["a", "b", "c", "c"]


def test_a_missing_answer_names_the_operator_and_the_prompt(replay):
    with pytest.raises(ModelError, match=r"calls\.jsonl has no answer to this 'fresh' prompt: \.\.\.Proposal 1\."):
        ask(replay({"key": "other", "answer": "x"}))


def test_a_prompt_in_other_words_is_answered_by_its_place_and_that_is_said_once(replay, caplog):
    rows = [
        {"key": f"old {n} {s}", "number": n, "stage": s, "answer": f"{n} {s}"}
        for n in (1, 2)
        for s in ("propose", "fresh")
    ]
    proposer = replay(
        *rows, {**rows[1], "answer": "1 again"}, {"messages": pairs(), "number": 3, "stage": "fresh", "answer": "3"}
    )

    def other(number, operator="fresh"):
        return Prompt(operator=operator, messages=(("user", f"Other words. Proposal {number}."),))

    assert [ask(proposer, other(1)).text for _ in range(3)] == ["1 fresh", "1 again", "1 again"]
    assert ask(proposer).text == "3"  # its words are known
    assert ask(proposer, other(2, REQUEST.operator)).text == "2 propose"
    assert caplog.text.count("in other words") == 1
    with pytest.raises(ModelError, match="no answer"):
        ask(proposer, other(9))


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"key": "a"}', '{"answer": "a"}', '{"key": "a", "answer": 3}'])
def test_a_broken_recording_is_refused_with_its_line(replay, line):
    with pytest.raises(UsageError, match=r"calls\.jsonl:2: not a recorded answer"):
        replay({"key": "a", "answer": "x"}, line)


def test_a_last_line_that_was_cut_off_is_left_out(replay):
    assert ask(replay({"messages": pairs(), "answer": "x"}, '{"key": "half', end="")).text == "x"


def test_a_recording_that_is_no_text_is_refused_and_one_cut_off_within_a_sign_is_not(tmp_path):
    (path := tmp_path / "calls.jsonl").write_bytes(b"\x1f\x8b\xfd\n\xfd\n")
    with pytest.raises(UsageError, match=r"calls\.jsonl:1: not a recorded answer"):
        [*read(path)]
    path.write_bytes('{"key": "a", "answer": "x"}\n{"key": "\u00e9'.encode()[:-1])
    assert [answer.completion.text for answer in read(path)] == ["x"]


def test_a_run_is_replayed_from_the_store(context):
    class Store:
        def run(self, run):
            if not "abcdef".startswith(run):
                raise UnknownId(f"no run {run}")
            return SimpleNamespace(id="abcdef")

        def all_calls(self, run):
            return {1: [Call(stage="propose", prompt=PROMPT, completion=COMPLETION)]} if run == "abcdef" else {}

    def of(spec, store):
        return make(spec, domain=context.domain, budget=context.ledger, store=store)

    assert ask(of("replay:abc", Store())) == COMPLETION
    with pytest.raises(UsageError, match="'replay:xyz': no such file, and no run xyz"):
        of("replay:xyz", Store())
    for spec in ("replay:", "replay:missing.jsonl"):
        with pytest.raises(UsageError, match="use replay:FILE, or replay:RUN"):
            of(spec, None)


@pytest.mark.parametrize("operator", ["mutate", "autosat"])
def test_a_talk_is_replayed_as_it_was_led(open_dialogue, context, operator):
    request = REQUEST.model_copy(update={"operator": operator})
    original = open_dialogue(make("offline", domain=context.domain, budget=context.ledger), request=request)
    sources = asyncio.run(original.first())
    recording = Replay("a run", (Answer(prompt=call.prompt.id, completion=call.completion) for call in original.calls))
    again = open_dialogue(recording, request=request)
    assert asyncio.run(again.first()) == sources
    assert again.calls == original.calls


def test_a_talk_with_a_chat_model_is_replayed_without_it(open_dialogue, chat_on):
    def talk(proposer):
        dialogue = open_dialogue(proposer)

        async def both():
            await dialogue.first()
            return await dialogue.repairing(None, "line 2: bad")()

        return asyncio.run(both()), dialogue.calls

    with serve([code("bad;"), code("return 9;")]) as server:
        sources, calls = talk(chat_on(server.url))
    again, replayed = talk(
        Replay("a run", (Answer(prompt=call.prompt.id, completion=call.completion) for call in calls))
    )
    assert again == sources == {"due": struct("return 9;")}
    assert replayed == calls
