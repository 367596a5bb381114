"""When a server is down: after one question it is left alone, and looked for, while one waits or varies code."""

from __future__ import annotations

import asyncio

import pytest

from slotforge.core.errors import BudgetExhausted, ModelError, Unreachable
from slotforge.core.ids import generator
from slotforge.core.types import Budget, Candidate
from slotforge.search.proposers import chat
from slotforge.search.proposers._ensemble import Ensemble
from slotforge.search.proposers.offline import Offline
from slotforge.testing.fake_chat import failure, serve

from .conftest import PROMPT, REQUEST, Hours, Toy


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
        model.inner.alive = script.alive
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
        assert asyncio.run(model.inner.alive())
        assert server.requests == []
    assert not asyncio.run(model.inner.alive())


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


def both(chat_on, server, hours, *, when="stop", **options):
    """Return two models on one server, and what a trial that draws the first asks."""
    options = {"tries": 1, **options}
    models = tuple(chat_on(server.url, name=name, hours=hours, own={"when_down": when}, **options) for name in "ab")
    return Ensemble(models)._at(0)


def by_name(**scripts):
    return lambda request: scripts[request["model"]](request)


def test_the_others_are_asked_while_one_is_down_which_is_looked_for_now_and_then(chat_on):
    script, hours = Down(3), Hours()
    with serve(by_name(a=script, b=lambda _: "b")) as server:
        relay = both(chat_on, server, hours)
        assert [ask(relay).text for _ in range(3)] == ["b"] * 3
        assert [request["model"] for request in server.requests] == ["a", "b", "b", "b"]
        for seconds, text in ((1, "b"), (1.9, "b"), (0.1, "b"), (4, "there"), (0, "there")):
            hours.now += seconds
            assert ask(relay).text == text
    assert hours.pauses == []


def test_a_model_whose_server_knows_no_schema_is_not_taken_to_be_down(chat_on):
    def script(request):
        return failure(400, "response_format is not supported") if "response_format" in request else "a"

    with serve(by_name(a=script, b=lambda _: "b")) as server:
        models = tuple(chat_on(server.url, name=name, own={"answers": "json"}) for name in "ab")
        relay = Ensemble(models)._at(0)
        assert [ask(relay).text for _ in range(2)] == ["a"] * 2
        assert [request["model"] for request in server.requests] == ["a"] * 3


def test_a_server_that_asks_for_a_long_pause_keeps_no_other_waiting(chat_on):
    hours = Hours()
    refuse = failure(429, retry_after="3600")
    with serve([refuse]) as busy, serve(["b"]) as server:
        first = chat_on(busy.url, name="a", hours=hours)
        second = chat_on(server.url, name="b", hours=Hours())
        relay = Ensemble((first, second))._at(0)
        assert [ask(relay).text for _ in range(2)] == ["b"] * 2
        hours.now += 30
        assert ask(relay).text == "b"
        assert len(busy.requests) == 1
    assert hours.pauses == []


def test_where_all_are_down_it_is_waited_for_whoever_answers_first(chat_on):
    hours = Hours()
    with serve(by_name(a=Down(1000), b=Down(3))) as server:
        assert ask(both(chat_on, server, hours, when="wait")).text == "there"
    assert hours.pauses == [1, 2, 4]


@pytest.mark.parametrize("when", ["stop", "wait", "offline"])
def test_where_all_are_busy_for_a_while_one_is_waited_for(chat_on, when):
    hours, busy = Hours(), failure(429, retry_after="20")
    with serve([busy, busy, "there"]) as server:
        assert ask(both(chat_on, server, hours, when=when, tries=3)).text == "there"
    assert 20 <= hours.now <= 41


def test_where_all_are_down_and_stay_so_it_is_told_after_all_tries_each_time(chat_on):
    with serve([failure(500)]) as server:
        unanswered(both(chat_on, server, Hours(), tries=3), 2)
        assert len(server.requests) == (2 + 3) + (1 + 3)  # and one look


def test_where_all_are_down_variation_answers_at_once_from_the_second_time_on(chat_on):
    with serve([failure(500)]) as server:
        relay = both(chat_on, server, Hours(), when="offline", tries=3)
        assert [ask(relay).model for _ in range(2)] == ["offline"] * 2
        assert len(server.requests) == (2 + 3) + 1  # and one look


def test_one_that_was_refused_and_is_down_later_is_waited_for(chat_on):
    replies = [failure(403), failure(500), failure(500), failure(500), "there"]
    with serve(replies) as server:
        assert ask(both(chat_on, server, Hours(), when="wait")).text == "there"


def test_a_model_alone_behind_a_server_is_as_patient_as_without_the_others(chat_on):
    model = chat_on("http://127.0.0.1:9/v1")
    assert Ensemble((model, Offline(Toy())))._at(0) is model


def test_what_none_can_answer_is_raised_with_what_each_met_and_not_waited_for(chat_on):
    with serve([failure(403)]) as server:
        relay = both(chat_on, server, Hours(), when="wait")
        for _ in range(2):
            with pytest.raises(ModelError, match=r"openai:a.*403.*; .*openai:b.*403") as caught:
                ask(relay)
            assert not isinstance(caught.value, Unreachable)
        assert len(server.requests) == 2


def test_what_a_member_replays_is_its_own_merit_whoever_wrote_it(chat_on):
    ensemble = Ensemble((Offline(Toy()), chat_on("http://127.0.0.1:9/v1", name="a")))
    assert ensemble._writer(0, "openai:a") == 0


def test_who_answers_instead_has_the_merit(archive, chat_on):
    ensemble = Ensemble(tuple(chat_on("http://127.0.0.1:9/v1", name=name) for name in "ab"))
    ensemble.choose(1, generator(1))
    (place,) = (p for p, arm in enumerate(ensemble._bandit.arms) if arm.pulls)
    better = Candidate(domain="toy", slots={"due": "1"})
    fields = {"number": 1, "candidate": better, "ratio": 0.5, "model": f"openai:{'ba'[place]}", "usd": 0.1}
    ensemble.tell(archive, archive.baseline.model_copy(update=fields))
    drawn, wrote = (ensemble._bandit.arms[p] for p in (place, 1 - place))
    assert (drawn.pulls, drawn.mean_gain, drawn.told) == (1, 0.0, 0)
    assert (wrote.pulls, wrote.mean_gain, wrote.told) == (1, pytest.approx(1.0), 1)
