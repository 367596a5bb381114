"""Templates that turn the order of parents round still say which of them new code takes the place of."""

from __future__ import annotations

import re

import pytest

from slotforge.core.types import Candidate, Terms
from slotforge.prompts.context import MAX_KNOWN, gather
from slotforge.prompts.render import LONG, operators, render

from .conftest import LUBY


@pytest.mark.parametrize("operator", sorted(operators()))
def test_edits_and_other_slots_are_told_of_the_parent_that_comes_first_in_the_request(
    operator, slots, request_for, trial
):
    found = tuple(
        Candidate(domain="sat", slots={"restart_due": f"// code {n}\n" + "//\n" * LONG + LUBY, "decay": f"// {n}\n"})
        for n in range(2)
    )
    request = request_for(parents=found, operator=operator)
    baseline = trial(0, Candidate(domain="sat"), (1.0,))
    context = gather(request, describe="", terms=Terms(), slots=slots, number=1, baseline=baseline)
    text = render(request, context).messages[-1][1]
    for place in re.findall(r"(?:The code of|slots of) (?:parent (\d)|the first parent)", text):
        of_parent = text.partition(f"## Parent {place or 1}\n")[2].partition("## Parent")[0]
        assert "// code 0" in of_parent


def test_every_recombination_that_turns_parents_round_says_so(slots, request_for, trial):
    for operator, place in (("funsearch", 2), ("reevo_crossover", 2), ("eoh_e2", 1)):
        found = tuple(Candidate(domain="sat", slots={"restart_due": LUBY, "decay": f"// {n}\n"}) for n in range(2))
        request = request_for(parents=found, operator=operator)
        context = gather(
            request,
            describe="",
            terms=Terms(),
            slots=slots,
            number=1,
            baseline=trial(0, Candidate(domain="sat"), (1.0,)),
        )
        assert f"beside the other slots of parent {place}" in render(request, context).messages[-1][1]


def test_a_prompt_does_not_depend_on_the_order_in_which_a_store_gives_the_slots(slots, request_for, trial):
    known = {**slots, "rephase": slots["decay"].model_copy(update={"name": "rephase"})}
    sources = {"decay": "// a\n", "rephase": "// b\n"}
    texts = set()
    for order in (sources, dict(reversed(sources.items()))):
        request = request_for(parents=(Candidate(domain="sat", slots=order),))
        baseline = trial(0, Candidate(domain="sat"), (1.0,))
        context = gather(request, describe="", terms=Terms(), slots=known, number=1, baseline=baseline)
        texts.add(render(request, context).messages)
    assert len(texts) == 1


@pytest.mark.parametrize("ratio", [0.5, 0.7])
def test_a_parent_is_told_as_it_was_measured_this_time(ratio, request_for, trial, slots):
    found = Candidate(domain="sat", slots={"restart_due": "// new"})
    baseline = trial(0, Candidate(domain="sat"), (1.0,))
    measured = trial(1, found, (1.0,)).model_copy(update={"ratio": ratio})

    def told(*parents):
        given = {"describe": "", "terms": Terms(), "slots": slots, "number": 1, "baseline": baseline}
        return gather(request_for(parents=(found,)), **given, parents=parents).parents[0].ratio

    assert [told(), told(measured), told()] == [None, ratio, None]


def test_parents_are_described_as_they_are_in_this_prompt(slots, request_for, trial):
    """Short-lived parents come to lie where earlier ones lay; and parents may be told of in other terms."""
    baseline = trial(0, Candidate(domain="sat"), (1.0,))

    def told(number, terms):
        found = Candidate(domain="sat", slots={"restart_due": f"// code {number}"})
        measured = trial(1, found, (1.0,)).model_copy(update={"ratio": number / 1000})
        request = request_for(parents=(found,))
        given = {"describe": "", "terms": terms, "slots": slots, "number": 1, "baseline": baseline}
        return render(request, gather(request, **given, parents=(measured,))).messages[-1][1]

    for number in range(3 * MAX_KNOWN):
        for reference in ("the unchanged solver", "the plain one"):
            text = told(number, Terms(reference=reference))
            assert f"cost {number / 1000:.3f} times that of {reference}." in text
            assert f"// code {number}\n" in text
    assert "```python\n" in told(0, Terms(language="python"))


def test_of_two_parents_that_are_the_same_each_is_one(slots, request_for, trial):
    found = Candidate(domain="sat", slots={"restart_due": LUBY})
    measured = trial(1, found, (1.0,))
    runs = tuple(m.model_copy(update={"stats": {"ticks_search": 1.0}}) for m in measured.measurements)
    baseline = trial(0, Candidate(domain="sat"), (1.0,)).model_copy(update={"measurements": runs})
    measured = measured.model_copy(update={"measurements": runs})
    request = request_for(parents=(found, found), operator="trace")
    given = {"describe": "", "terms": Terms(), "slots": slots, "number": 1, "baseline": baseline}
    text = render(request, gather(request, **given, parents=(measured, measured))).messages[-1][1]
    assert re.findall(r"^## Trace of (parent .)", text, re.MULTILINE) == ["parent 1", "parent 2"]
