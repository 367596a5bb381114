"""When a server is down: after one question it is left alone, and looked for, while one waits or varies code."""

from __future__ import annotations

import asyncio

import pytest

from slotforge.core.errors import BudgetExhausted, ModelError, Unreachable
from slotforge.core.ids import generator
from slotforge.core.types import Budget, Candidate
from slotforge.search.proposers import Ensemble, chat
from slotforge.testing.fake_chat import failure, serve

from .conftest import PROMPT, REQUEST, Hours


def ask(model):
    return asyncio.run(model.complete(PROMPT, REQUEST, generator(1)))


def unanswered(model, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unreachable):
            ask(model)


class Down:
    """A server that is down for some questions, and some looks."""

    def __init__(self, questions: int, looks: int = 0) -> None:
        self.questions, self.looks, self.looked = questions, looks, 0

    def __call__(self, _):
        self.questions -= 1
        return failure(500) if self.questions >= 0 else "there"

    async def alive(self) -> bool:
        self.looked += 1
        self.looks -= 1
        return self.looks < 0


@pytest.fixture
def down(chat_on):
    """Make a model that does what is said while its server is down."""

    def make(server, when: str, script: Down, hours: Hours, **options):
        model = chat_on(server.url, hours=hours, own={"when_down": when}, tries=1, **options)
        model.alive = script.alive
        return model

    return make


def test_waiting_asks_the_same_question_again_once_the_server_is_there(down, caplog):
    script, hours = Down(1, looks=3), Hours()
    with serve(script) as server:
        model = down(server, "wait", script, hours)
        assert ask(model).text == "there"
        assert len(server.requests) == 2
    assert hours.pauses == [1, 2, 4, 8]
    assert "waiting until it answers" in caplog.text
    assert "answers again" in caplog.text


def test_a_server_that_is_there_and_answers_no_question_is_left_alone_longer_and_longer(down):
    script, hours = Down(8), Hours()
    with serve(script) as server:
        model = down(server, "wait", script, hours)
        assert ask(model).text == "there"
        assert len(server.requests) == 9
    assert hours.pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_of_many_that_wait_one_looks(down):
    script, hours = Down(2), Hours()
    with serve(script) as server:
        model = down(server, "wait", script, hours)

        async def run():
            waiting = asyncio.create_task(model.complete(PROMPT, REQUEST, None))
            while not model._open:
                await asyncio.sleep(0)
            return await asyncio.gather(waiting, *(model.complete(PROMPT, REQUEST, None) for _ in range(4)))

        assert [answer.text for answer in asyncio.run(run())] == ["there"] * 5
        assert len(server.requests) == 2 + 5
    assert script.looked == 2


def test_waiting_ends_with_the_time_of_the_budget(down):
    script, hours = Down(1000, looks=1000), Hours()
    with serve(script) as server:
        model = down(server, "wait", script, hours, budget=Budget(time_s=1000))
        model.inner.ledger._clock, model.inner.ledger._begin = hours.clock, 0.0
        with pytest.raises(BudgetExhausted, match="the time is over before"):
            ask(model)
    assert hours.now == 1000


def test_variation_answers_while_the_server_is_down_and_is_named_as_who_answered(down, caplog):
    script, hours = Down(1, looks=1), Hours()
    with serve(script) as server:
        model = down(server, "offline", script, hours)
        assert [ask(model).model for _ in range(3)] == ["offline"] * 3
        assert script.looked == 0  # it is too early
        hours.now += 1
        assert ask(model).model == "offline"
        hours.now += 1.9
        assert ask(model).model == "offline"
        assert script.looked == 1
        hours.now += 0.1
        assert (ask(model).text, ask(model).text) == ("there", "there")
        assert len(server.requests) == 3
    assert "variation without a model answers until it does" in caplog.text
    assert hours.pauses == []


def test_a_refusal_is_no_sign_of_a_server_that_is_down(chat_on):
    for when in ("wait", "offline"):
        with serve([failure(401)]) as server:
            model = chat_on(server.url, own={"when_down": when})
            for _ in range(3):
                with pytest.raises(ModelError, match="401") as caught:
                    ask(model)
                assert not isinstance(caught.value, Unreachable)


def test_without_a_wish_a_server_that_is_down_is_an_error_each_time(chat_on):
    model = chat_on("http://127.0.0.1:9/v1", tries=1)
    assert isinstance(model, chat.Chat)
    unanswered(model, 3)


def test_a_look_finds_out_whether_a_server_is_there(chat_on):
    with serve(["x"]) as server:
        model = chat_on(server.url, own={"when_down": "wait"})
        assert asyncio.run(model.alive())
        assert server.requests == []
    assert not asyncio.run(model.alive())


def test_what_variation_wrote_is_no_merit_of_the_member_that_was_down(archive, chat_on):
    model = chat_on("http://127.0.0.1:9/v1", own={"when_down": "offline"})
    ensemble = Ensemble((model, model))
    for number in (1, 2):
        ensemble.choose(number, generator(number))
    better = Candidate(domain="toy", slots={"due": "1"})
    for number, name in enumerate(("offline", "openai:gpt-4o"), start=1):
        fields = {"number": number, "candidate": better, "ratio": 0.5, "model": name, "usd": 0.1}
        ensemble.tell(archive, archive.baseline.model_copy(update=fields))
    found = sorted((arm.pulls, arm.mean_gain, arm.told) for arm in ensemble._bandit.arms)
    assert found == [(1, 0.0, 0), (1, pytest.approx(1.0), 1)]


def test_what_a_strategy_writes_itself_asks_no_member(archive, open_dialogue, chat_on):
    ensemble = Ensemble((chat_on("http://127.0.0.1:9/v1"),) * 2)
    request = REQUEST.model_copy(update={"written": {"due": "1"}})
    dialogue = open_dialogue(ensemble, request=request)
    assert asyncio.run(dialogue.first()) == {"due": "1"}
    ensemble.tell(archive, archive.baseline.model_copy(update={"number": 1}))
    assert [arm.pulls for arm in ensemble._bandit.arms] == [0, 0]
