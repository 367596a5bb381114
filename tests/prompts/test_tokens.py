"""How alike texts and code are, and that prompts tell attempts that differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.types import Candidate, Terms, TrialState
from slotforge.prompts.context import SHOWN_ATTEMPTS, gather
from slotforge.prompts.render import render
from slotforge.prompts.tokens import (
    ALIKE,
    ALIKE_CODE,
    Idea,
    alike,
    alike_code,
    alike_words,
    jaccard,
    reads,
    shingles,
    words,
)

from .conftest import DUE, LUBY

TOKENS = st.sets(st.sampled_from("abcdefgh"))
RENUMBERED = DUE.replace("1.10", "1.25").replace("Fast against slow average", "The two averages")
BACKWARDS = DUE.replace("view.glue.fast > margin * view.glue.slow", "margin * view.glue.slow < view.trail.fast")


def idea(code: str = DUE, text: str = "") -> Idea:
    return Idea(text=text, code=code)


def test_words_lose_their_endings_and_names_are_cut() -> None:
    assert words("restarts restarting restarted") == {"restart"}
    assert words("glue_fast glueFast GLUE") == {"glu", "fast"}
    assert words("the 12 and 0.5") == {"0"}


def test_comments_layout_and_numbers_do_not_make_code_differ() -> None:
    assert shingles(DUE) == shingles(RENUMBERED) == shingles("  " + DUE.replace("\n", "\n\n"))
    assert shingles(DUE) != shingles(BACKWARDS)
    assert shingles("# note\nx = a // b", "python") == shingles('"""Note."""\nx = a // b', "python")
    assert shingles("x = a // b", "python") != shingles("x = a // c", "python")


def test_what_code_reads_are_the_members_that_it_names() -> None:
    assert reads(DUE) == {"glue", "fast", "slow"}
    assert reads("d = xp.sqrt(g) + aux.value()", "python") == {"sqrt", "value"}


@given(one=TOKENS, other=TOKENS)
def test_likeness_is_symmetric_and_whole_only_for_equal_sets(one: set[str], other: set[str]) -> None:
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1
    assert (jaccard(one, other) == 1) == (one == other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (idea(DUE), idea(RENUMBERED), True),
        (idea(DUE), idea(BACKWARDS), False),
        (idea(DUE), idea(LUBY), False),
        (idea(DUE), idea(DUE.replace("glue", "trail")), False),
        (idea("0.25"), idea("0.75"), False),
        (idea("0.25"), idea(" 0.25\n"), True),
        (
            idea(DUE, "Restart when the fast average of glue exceeds the slow one."),
            idea(LUBY, "Restarts when fast averages of the glue exceed a slow one!"),
            True,
        ),
        (idea(DUE, "Restart later."), idea(LUBY, "Restart later."), False),
    ],
)
def test_proposals_are_alike_by_code_or_by_words_that_are_enough(one: Idea, other: Idea, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same
    assert same == (alike_code(one, other) >= ALIKE_CODE or alike_words(one.text, other.text) >= ALIKE)


@pytest.fixture(scope="session")
def told(slots, request_for, trial):
    """Gather the context of a request after trials with these sources and ratios."""

    def make(*tried, last=TrialState.SCORED):
        trials = [
            trial(n, Candidate(domain="sat", slots={"restart_due": code}), (100.0,), ratio=ratio)
            for n, (code, ratio) in enumerate(tried, start=1)
        ]
        trials[-1] = trials[-1].model_copy(update={"state": last})
        return gather(
            request_for(),
            describe="",
            terms=Terms(),
            slots=slots,
            number=99,
            baseline=trial(0, Candidate(domain="sat"), (100.0,)),
            tried=trials,
        )

    return make


def test_of_attempts_that_are_nearly_the_same_the_best_is_told_once(told, request_for) -> None:
    context = told((DUE, 0.9), (LUBY, 0.8), (RENUMBERED, 1.1), (DUE.replace("1.10", "1.15"), 1.0))
    assert [(one.rule, one.ratio, one.like) for one in context.attempts] == [
        ("Luby's sequence.", 0.8, 0),
        ("Fast against slow average of glue.", 0.9, 2),
    ]
    text = render(request_for(), context).messages[-1][1]
    assert (
        "0.900 times that of the unchanged solver: `Fast against slow average of glue.` (2 more like it, no better)"
        in text
    )
    assert "`Luby's sequence.`\n" in text


def test_older_attempts_are_told_where_the_newer_ones_are_all_alike(told) -> None:
    many = [(LUBY, 0.7), *((DUE.replace("1.10", f"1.{n}"), 1.0) for n in range(11, 11 + SHOWN_ATTEMPTS))]
    assert [one.rule for one in told(*many).attempts] == ["Luby's sequence.", "Fast against slow average of glue."]


def test_what_failed_after_a_while_is_no_attempt_to_build_on(told) -> None:
    """It has the ratio of what it did before it needed too much CPU time, or crashed."""
    sound, failed = (DUE, 0.9), (LUBY, 0.4)
    assert [one.ratio for one in told(sound, failed, last=TrialState.FAILED).attempts] == [0.9]
