"""The alignment of thought of MCTS-AHD: code is described once it stands, and the description is what is kept."""

from __future__ import annotations

import asyncio

import pytest

from slotforge.core.types import Completion
from slotforge.search.proposers.dialogue import NoCode, said
from slotforge.search.proposers.offline import Offline

from .conftest import REQUEST, Toy, code, struct

MUTATION = REQUEST.model_copy(update={"operator": "mcts_m1"})


class Scripted:
    """Answers in order, and keeps the prompts."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.prompts = list(answers), []

    async def complete(self, prompt, request, rng):  # noqa: ARG002
        self.prompts.append(prompt)
        return Completion(text=self.answers.pop(0), model="openai:any")


def test_the_code_that_came_is_described_in_a_question_of_its_own(open_dialogue):
    model = Scripted(code("return 4;"), "It always restarts.")
    dialogue = open_dialogue(model, request=MUTATION)
    assert asyncio.run(dialogue.first()) == {"due": struct("return 4;")}
    assert [call.stage for call in dialogue.calls] == ["propose", "align"]
    asked = model.prompts[1].messages
    assert "return 4;" in asked[-1][1]
    assert [role for role, _ in asked] == ["system", "user"]
    assert said(dialogue.calls) == {"align": "It always restarts.", "idea": "An idea."}


def test_an_answer_without_code_is_not_described_and_repairs_go_on_from_it(open_dialogue):
    dialogue = open_dialogue(Scripted("Sorry.", code("return 5;")), request=MUTATION)
    with pytest.raises(NoCode):
        asyncio.run(dialogue.first())
    assert asyncio.run(dialogue.repairing(None, "no code")()) == {"due": struct("return 5;")}
    assert [call.stage for call in dialogue.calls] == ["propose", "repair"]


def test_a_repair_goes_on_from_the_code_and_not_from_its_description(open_dialogue):
    model = Scripted(code("bad;"), "It fails.", code("return 6;"))
    dialogue = open_dialogue(model, request=MUTATION)
    asyncio.run(dialogue.first())
    asyncio.run(dialogue.repairing(None, "line 2: bad")())
    assert "It fails." not in "".join(text for _, text in model.prompts[2].messages)


def test_an_interrupted_talk_asks_only_for_what_is_missing(open_dialogue):
    whole = open_dialogue(Offline(Toy()), request=MUTATION)
    sources = asyncio.run(whole.first())
    for kept in range(3):
        again = open_dialogue(Offline(Toy()), request=MUTATION, recorded=whole.calls[:kept])
        assert asyncio.run(again.first()) == sources
        assert again.calls == whole.calls
