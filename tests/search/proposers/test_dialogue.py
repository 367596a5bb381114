"""The talk about a trial: what is asked, recorded, taken from the record, repaired, and led by a pipeline."""

from __future__ import annotations

import asyncio
import json

import pytest

from slotforge.core.errors import ModelError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Completion, Trial, TrialState
from slotforge.search.proposers import chat, make
from slotforge.search.proposers._ensemble import Ensemble
from slotforge.search.proposers.dialogue import MAX_REPAIRS, NoCode, said
from slotforge.search.proposers.dialogue.plans.autosat import directions, unchanged
from slotforge.search.proposers.offline import Offline
from slotforge.testing.fake_chat import failure, serve

from .conftest import PROMPT, REQUEST, Toy, code, struct

AGENTS = REQUEST.model_copy(update={"operator": "autosat"})
ADVICE = "It restarts never.\n\n1. Look at the trail.\n2. Look at glue.\n3. Look at the level.\n"


class Scripted:
    """Answers in order, as a model of the given name; keeps the prompts."""

    def __init__(self, *answers: str, model: str = "openai:any") -> None:
        self.answers, self.model, self.prompts = list(answers), model, []

    async def complete(self, prompt, request, rng):  # noqa: ARG002
        self.prompts.append(prompt)
        if not self.answers:
            raise ModelError("down")
        return Completion(text=self.answers.pop(0), model=self.model)


def first(dialogue):
    return asyncio.run(dialogue.first())


def test_an_answer_becomes_sources_and_is_recorded_before_anything_else_happens(open_dialogue):
    seen = []
    dialogue = open_dialogue(Scripted(code("return 1;")), record=seen.append)
    assert first(dialogue) == {"due": struct("return 1;")}
    assert seen == dialogue.calls
    assert [(c.stage, c.completion.text) for c in seen] == [("propose", code("return 1;"))]


def test_an_answer_without_code_is_recorded_all_the_same(open_dialogue):
    seen = []
    with pytest.raises(NoCode, match="holds no code"):
        first(open_dialogue(Scripted("I would rather not."), record=seen.append))
    assert len(seen) == 1


def test_the_model_is_told_of_failures_and_of_its_parents(open_dialogue, archive):
    mine = Candidate(domain="toy", slots={"due": struct("return 2;")})
    values = {"run": "r", "operator": "mutate", "slots": ("due",), "parents": ()}
    for trial in [
        Trial(number=1, state=TrialState.SCORED, candidate=mine, ratio=0.5, instances=3, **values),
        Trial(number=2, state=TrialState.FAILED, candidate=None, reason="no code at all", **values),
        Trial(number=3, state=TrialState.REJECTED, candidate=mine, reason="the same as trial 1", **values),
    ]:
        archive.add(trial)
    model = Scripted(code())
    first(open_dialogue(model, number=4, request=REQUEST.model_copy(update={"parents": (mine,)})))
    asked = model.prompts[0].messages[-1][1]
    assert "cost 0.500 times that of the unchanged solver" in asked
    assert asked.index("no code at all") < asked.index("the same as trial 1")
    assert asked.endswith("Proposal 4.")


def test_a_failure_goes_back_with_the_conversation_until_the_repairs_are_used_up(open_dialogue):
    model = Scripted(code("bad;"), code("worse;"), code("return 3;"))
    dialogue = open_dialogue(model)
    assert not dialogue.may_repair
    first(dialogue)
    for error in ("line 2: bad", "line 2: worse"):
        assert dialogue.may_repair
        sources = asyncio.run(dialogue.repairing(None, error)())
    assert sources == {"due": struct("return 3;")}
    assert not dialogue.may_repair
    assert len(dialogue.calls) == 1 + MAX_REPAIRS
    assert [role for role, _ in model.prompts[-1].messages] == ["system"] + ["user", "assistant"] * 2 + ["user"]
    assert "line 2: worse" in model.prompts[-1].messages[-1][1]
    assert len({prompt.id for prompt in model.prompts}) == 3


def test_variation_without_a_model_is_not_asked_to_repair(open_dialogue):
    dialogue = open_dialogue(Offline(Toy()))
    assert "return" in first(dialogue)["due"]
    assert not dialogue.may_repair


def test_recorded_exchanges_are_not_paid_for_again(open_dialogue):
    model = Scripted(code("bad;"), code("good;"))
    whole = open_dialogue(model)
    first(whole)
    repaired = asyncio.run(whole.repairing(None, "bad")())
    for kept in range(3):
        rest = Scripted(*[call.completion.text for call in whole.calls[kept:]])
        seen = []
        again = open_dialogue(rest, recorded=whole.calls[:kept], record=seen.append)
        first(again)
        assert asyncio.run(again.repairing(None, "bad")()) == repaired
        assert again.calls == whole.calls
        assert len(seen) == len(rest.prompts) == 2 - kept


def test_a_dialogue_of_variation_is_the_same_whether_or_not_it_was_interrupted(open_dialogue):
    whole = open_dialogue(Offline(Toy()), request=AGENTS)
    sources = first(whole)
    for kept in range(len(whole.calls) + 1):
        again = open_dialogue(Offline(Toy()), request=AGENTS, recorded=whole.calls[:kept])
        assert first(again) == sources
        assert again.calls == whole.calls


def test_a_recorded_exchange_about_something_else_is_not_used(open_dialogue):
    other = open_dialogue(Scripted(code("other;")), number=2)
    first(other)
    assert first(open_dialogue(Scripted(code("mine;")), recorded=other.calls)) == {"due": struct("mine;")}


def test_autosat_asks_advisor_coder_and_evaluator(open_dialogue):
    model = Scripted(ADVICE, code("return 4;"), "VERDICT: substantial\nIt restarts.")
    dialogue = open_dialogue(model, request=AGENTS)
    assert first(dialogue) == {"due": struct("return 4;")}
    assert [call.stage for call in dialogue.calls] == ["advise", "propose", "review"]
    told = model.prompts[1].messages[-1][1]
    assert sum(line in told for line in ("- Look at the trail.", "- Look at glue.", "- Look at the level.")) == 2
    assert "return 4;" in model.prompts[2].messages[-1][1]


def test_autosat_asks_once_more_when_nothing_was_modified(open_dialogue):
    same = "VERDICT: no modification\nIt is the default."
    model = Scripted(ADVICE, code("return false;"), same, code("return 5;"))
    dialogue = open_dialogue(model, request=AGENTS)
    assert first(dialogue) == {"due": struct("return 5;")}
    assert [call.stage for call in dialogue.calls] == ["advise", "propose", "review", "again"]
    assert "It is the default." in model.prompts[3].messages[-1][1]


def test_autosat_leaves_out_the_review_of_an_answer_without_code_and_repairs_the_code(open_dialogue):
    model = Scripted(ADVICE, "no code", code("return 6;"))
    dialogue = open_dialogue(model, request=AGENTS)
    with pytest.raises(NoCode):
        first(dialogue)
    assert asyncio.run(dialogue.repairing(None, "no code")()) == {"due": struct("return 6;")}
    assert model.prompts[2].messages[:-1] == (*model.prompts[1].messages, ("assistant", "no code"))


def test_directions_are_drawn_from_the_whole_list_and_in_any_order():
    drawn = {directions(ADVICE, generator(seed)) for seed in range(40)}
    assert len(drawn) == 6
    assert directions("Just look at glue.", generator(1)) == "Just look at glue."
    assert directions("", generator(1)) == "(none)"
    assert len(directions("- " + "x" * 10_000, generator(1))) < 1000


@pytest.mark.parametrize(
    ("review", "verdict"),
    [
        ("VERDICT: no modification\nsame", True),
        ("\n**Verdict: No Modification**", True),
        ('{"type": "No Modification"}', True),
        ("VERDICT: parameter tuning\nno modification of the rule", False),
        ("VERDICT: substantial", False),
        ("", False),
    ],
)
def test_only_the_first_line_of_a_review_decides(review, verdict):
    assert unchanged(review) is verdict


def test_an_ensemble_draws_one_member_for_a_trial_and_the_same_one_again(open_dialogue):
    def member(number: int) -> str:
        models = tuple(Scripted(code(), code(), model=f"openai:{name}") for name in "ab")
        dialogue = open_dialogue(Ensemble(models), number=number)
        first(dialogue)
        asyncio.run(dialogue.repairing(None, "again")())
        (name,) = {call.completion.model for call in dialogue.calls}
        return name

    drawn = [member(number) for number in range(30)]
    assert drawn == [member(number) for number in range(30)]
    assert set(drawn) == {"openai:a", "openai:b"}


def test_an_ensemble_is_made_from_specs_and_answers_by_itself(context):
    ensemble = make("offline, openai:gpt-4o", domain=context.domain, budget=context.ledger)
    assert [type(member) for member in ensemble.members] == [Offline, chat.Chat]
    ensemble = make("offline, offline", domain=context.domain, budget=context.ledger)
    answers = [asyncio.run(ensemble.complete(PROMPT, REQUEST, generator(3))).text for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_dialogue_over_a_real_connection_is_repaired_and_ends(open_dialogue, chat_on):
    """Prose, then code that fails, then code: as a chat model may go on, with a busy server in between."""
    script = ["Sure! I will think about it.", failure(429), code("while (true) {}"), code("return 7;")]
    with serve(script) as server:
        dialogue = open_dialogue(chat_on(server.url))

        async def talk():
            with pytest.raises(NoCode) as caught:
                await dialogue.first()
            await dialogue.repairing(None, str(caught.value))()
            return await dialogue.repairing(None, "timeout: it loops")()

        assert asyncio.run(talk()) == {"due": struct("return 7;")}
    assert [call.stage for call in dialogue.calls] == ["propose", "repair", "repair"]
    assert all(call.completion.usd > 0 for call in dialogue.calls)


def edited(search: str, replace: str) -> str:
    return f"Less.\n\n```cpp\n// slot: due\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n```\n"


RETURN = "    bool operator()(const View &) {{ return {}; }}"


def test_edits_are_of_the_parent_and_one_that_does_not_match_is_named_to_the_model(open_dialogue):
    parent = Candidate(domain="toy", slots={"due": struct("return 1;")})
    request = REQUEST.model_copy(update={"parents": (parent,)})
    model = Scripted(edited(RETURN.format(7), RETURN.format(8)), edited(RETURN.format(1), RETURN.format(9)))
    dialogue = open_dialogue(model, request=request)
    with pytest.raises(NoCode, match="edit 1 searches for") as caught:
        first(dialogue)
    assert asyncio.run(dialogue.repairing(None, str(caught.value))()) == {"due": struct("return 9;")}
    told = model.prompts[1].messages[-1][1]
    assert "edit 1 searches for ('bool operator()(const View &) { return 7; }') does not stand in the code" in told
    assert "or with edits of the code that these edits are of" in told


def test_a_repair_of_edits_shows_what_they_made_and_may_edit_that(open_dialogue):
    model = Scripted(
        edited(RETURN.format("false"), RETURN.format("bad")),
        edited(RETURN.format("bad"), RETURN.format("worse")),
        edited(RETURN.format("false"), RETURN.format("good")),
    )
    dialogue = open_dialogue(model)
    assert first(dialogue) == {"due": struct("return bad;")}
    assert asyncio.run(dialogue.repairing(None, "line 2: bad")()) == {"due": struct("return worse;")}
    assert asyncio.run(dialogue.repairing(None, "line 2: worse")()) == {"due": struct("return good;")}
    told = model.prompts[1].messages[-1][1]
    assert f"Your edits made this of `due`:\n```cpp\n{struct('return bad;')}```" in told
    assert "or with edits of this code" in told
    assert "return worse;" in model.prompts[2].messages[-1][1]


def test_code_that_fails_may_be_edited_by_the_repair(open_dialogue):
    model = Scripted(code("return bad;"), edited(RETURN.format("bad"), RETURN.format("good")))
    dialogue = open_dialogue(model)
    first(dialogue)
    assert asyncio.run(dialogue.repairing(None, "line 2: bad")()) == {"due": struct("return good;")}
    assert "edits" not in model.prompts[1].messages[-1][1]


def test_edits_of_an_interrupted_dialogue_are_made_anew_from_the_record(open_dialogue):
    answers = [edited(RETURN.format("false"), RETURN.format("bad")), edited(RETURN.format("bad"), RETURN.format("ok"))]
    whole = open_dialogue(Scripted(*answers))
    first(whole)
    repaired = asyncio.run(whole.repairing(None, "bad")())
    again = open_dialogue(Scripted(), recorded=whole.calls)
    first(again)
    assert asyncio.run(again.repairing(None, "bad")()) == repaired == {"due": struct("return ok;")}


def test_an_answer_may_leave_a_slot_as_it_is_and_a_repair_one_that_was_written(open_dialogue):
    both = REQUEST.model_copy(update={"slots": ("due", "other")})
    model = Scripted(code("return bad;"), code("return 1;", slot="other"), code("return good;"))
    dialogue = open_dialogue(model, request=both)
    assert first(dialogue) == {"due": struct("return bad;")}
    made = {"due": struct("return bad;"), "other": struct("return 1;")}
    assert asyncio.run(dialogue.repairing(None, "slower")()) == made
    assert asyncio.run(dialogue.repairing(None, "bad")()) == made | {"due": struct("return good;")}
    assert "needs no block" in model.prompts[0].messages[0][1]


def test_an_answer_that_is_an_object_is_read_and_its_idea_is_kept(open_dialogue):
    text = json.dumps({"idea": "Less often.", "code": {"due": struct("return 3;")}})
    dialogue = open_dialogue(Scripted(text))
    assert first(dialogue) == {"due": struct("return 3;")}
    assert said(dialogue.calls) == {"idea": "Less often."}
