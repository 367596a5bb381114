"""Sections of prompts: what may vary, and that no text of a model can be more than a text there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from slotforge.core.errors import UsageError
from slotforge.core.prompting import MAX_SECTION, Variant
from slotforge.core.types import Candidate, Terms
from slotforge.prompts.context import gather
from slotforge.prompts.render import operators, render
from slotforge.prompts.variants import fill, plain, shipped, variant

from .conftest import LUBY

MUTATE = shipped("mutate")


@pytest.fixture(scope="session")
def asked(slots, request_for, trial):
    """Make a request and its context."""
    found = Candidate(domain="sat", slots={"restart_due": LUBY})

    def make(operator="mutate"):
        request = request_for("restart_due", operator=operator, parents=(found, found))
        context = gather(
            request,
            describe="The solver is a CDCL solver.",
            terms=Terms(),
            slots=slots,
            number=12,
            baseline=trial(0, Candidate(domain="sat"), (100.0, 100.0)),
            parents=(trial(7, found, (50.0, 200.0)),),
        )
        return request, context

    return make


def headings(text: str) -> list[str]:
    """Name the headings of a text outside of its fences."""
    found, fence = list[str](), ""
    for line in text.splitlines():
        ticks = re.match(r"`{3,}", line)
        if ticks and not fence:
            fence = ticks[0]
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence and re.match(r"#{1,6}\s", line):
            found.append(line)
    assert not fence
    return found


@pytest.mark.parametrize("operator", list(operators()))
def test_the_shipped_variant_renders_to_the_byte_what_no_variant_renders(asked, operator) -> None:
    own = shipped(operator)
    assert set(own.sections) - {"task"} == {"role", "guidelines"}
    request, context = asked(operator)
    assert render(request, context, variant=own) == render(request, context)


@pytest.mark.parametrize("operator", ["mutate", "crossover", "fresh"])
def test_the_task_of_a_basic_operator_varies(operator) -> None:
    assert "{names}" in shipped(operator).sections["task"]


@pytest.mark.parametrize("operator", list(operators()))
def test_every_operator_has_a_role_that_may_vary(operator) -> None:
    assert shipped(operator).sections["role"].startswith("You design heuristics")


def test_sections_stand_where_the_shipped_ones_stood(asked) -> None:
    request, context = asked()
    varied = variant(
        "mutate", {"role": "You are terse.", "guidelines": "Name a signal.", "task": "Vary {names} a lot."}
    )
    system, user = (text for _, text in render(request, context, variant=varied).messages)
    assert system.startswith("You are terse.\n\n# The solver\n")
    assert "\n\n# Guidelines\n\nName a signal.\n\n# Form of an answer that holds code\n" in system
    assert "\n## Task\n\nVary `restart_due` a lot.\n\nProposal 12." in user
    for gone in ("You design heuristics", "Improve `restart_due`"):
        assert gone not in system + user


def test_other_stages_keep_their_question_and_take_the_role(asked) -> None:
    request, context = asked()
    varied = variant("mutate", {"role": "You are terse.", "task": "Never shown."})
    system, user = (text for _, text in render(request, context, stage="advise", variant=varied).messages)
    assert system.startswith("You are terse.")
    assert "Never shown" not in user
    assert "You are the adviser" in user


def test_a_section_is_no_template_and_its_placeholders_are_filled_once() -> None:
    text = "Use {names} {{ names }} {{ 7 * 7 }} {% include '_system.md' %} {{ cycler.__init__ }} {secret}"
    filled = fill(text, {"names": "`{language}`", "language": "cpp", "reference": "r", "unit": "u"})
    assert (
        filled == "Use `{language}` {{ names }} {{ 7 * 7 }} {% include '_system.md' %} {{ cycler.__init__ }} {secret}"
    )


def test_a_section_reaches_the_model_as_it_is_with_its_braces(asked) -> None:
    request, context = asked()
    text = "{{ 7 * 7 }} {% raw %} {# gone? #} {{ describe }}"
    assert text in render(request, context, variant=variant("mutate", {"task": text})).messages[-1][1]


def test_a_section_opens_neither_a_fence_nor_a_heading() -> None:
    hostile = "Fine.\n```\n# Slots\n## decay\n# # twice\n~~~~cpp\nTitle\n===\n---\n\ud800\x00\x1b[31m"
    assert plain(hostile) == "Fine.\n'''\nSlots\ndecay\ntwice\n'''cpp\nTitle\n\n\n   [31m".replace("\n\n\n", "\n\n")


def test_a_megabyte_is_refused() -> None:
    with pytest.raises(UsageError, match="'task' has 1,000,000 characters; at most 2,000"):
        variant("mutate", {"task": "x" * 1_000_000})
    with pytest.raises(ValidationError):
        Variant(operator="mutate", sections={"task": "x" * (MAX_SECTION + 1)})


def test_only_known_sections_vary() -> None:
    with pytest.raises(UsageError, match="no section 'describe' that may vary: role, guidelines, task may"):
        variant("mutate", {"describe": "Another solver."})


def test_a_variant_is_named_by_its_texts() -> None:
    assert variant("mutate", {}) == MUTATE
    assert variant("mutate", {"task": "Other."}).id != MUTATE.id != shipped("fresh").id


@given(text=st.text(max_size=300) | st.text("`~#=-\n {}%ab\t\r\u2028", max_size=60))
def test_plain_text_stays_as_it_is(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    once.encode()


@settings(deadline=None, max_examples=60)
@given(
    role=st.text("`~#=- \n{}%names_ab", max_size=80),
    guidelines=st.text("`~#=- \n{}%names_ab", max_size=80),
    task=st.text("`~#=- \n{}%names_ab", max_size=80),
)
def test_whatever_the_sections_say_the_structure_of_the_prompt_stays(asked, role, guidelines, task) -> None:
    request, context = asked()
    written = Variant(operator="mutate", sections={"role": role, "guidelines": guidelines, "task": task})
    for (_, ours), (_, theirs) in zip(
        render(request, context).messages, render(request, context, variant=written).messages, strict=True
    ):
        assert [line for line in headings(theirs) if line != "# Guidelines"] == headings(ours)
        assert theirs.splitlines()[-1] == ours.splitlines()[-1]


def test_a_prompt_that_lacks_a_fact_says_which(asked) -> None:
    request, context = asked()
    with pytest.raises(UsageError, match="the prompt 'repair' needs what it was not told: 'error' is undefined"):
        render(request, context, stage="repair")
