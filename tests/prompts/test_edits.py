"""Edits of a source: made exactly, forgiving of spaces, and refused in one line that names the edit."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.types import Candidate, Terms
from slotforge.prompts.context import gather
from slotforge.prompts.edits import EditError, apply, holds
from slotforge.prompts.extract import ExtractError, extract, has_edits
from slotforge.prompts.render import LONG, render

SOURCE = "def update(g):\n    m = g\n    if m:\n        m = 2 * m\n    return m\n"


def edit(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def test_edits_are_made_in_their_order_and_leave_the_rest_as_it_is():
    both = edit("    m = g", "    m = g + 1") + "and\n" + edit("    m = g + 1\n    if m:", "    m = 3\n    if m > 0:")
    assert apply(both, SOURCE) == "def update(g):\n    m = 3\n    if m > 0:\n        m = 2 * m\n    return m\n"
    assert apply(edit("        m = 2 * m", ""), SOURCE) == SOURCE.replace("        m = 2 * m\n", "")


def test_lines_that_differ_in_spaces_are_found_and_their_place_is_indented_as_the_source_is():
    made = apply(edit("if m :\n  m=2*m", "if m > 1:\n    m = 3 * m\n\n    m += 1"), SOURCE)
    assert made == SOURCE.replace(
        "    if m:\n        m = 2 * m\n", "    if m > 1:\n        m = 3 * m\n\n        m += 1\n"
    )


def test_what_stands_exactly_is_taken_before_what_differs_in_spaces():
    assert apply(edit("  a", "  b"), "a\n  a\n") == "a\n  b\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (edit("    k = g", "    k = 1"), r"edit 1 searches for \('k = g'\) does not stand in the code"),
        (edit("    m = g", "    m = 1") + edit("    m = g", "x"), r"edit 2 searches for .* does not stand"),
        (edit("  \n", "x"), "edit 1 searches for nothing"),
        ("<<<<<<< SEARCH\n    m = g\n=======\n    m = 1\n", "edit 1 breaks off"),
        (edit("    m = g", "    m = 1") + "<<<<<<< SEARCH\n    m", "edit 2 breaks off"),
        (edit("a" * 500, "x"), r"\('a{80}\.\.\.'\) does not stand"),
    ],
)
def test_an_edit_that_cannot_be_made_is_named_in_one_line(text, line):
    with pytest.raises(EditError, match=line) as caught:
        apply(text, SOURCE)
    assert "\n" not in str(caught.value)


def test_lines_that_stand_at_several_places_are_not_guessed_at():
    with pytest.raises(EditError, match=r"\('x = 1'\) stands at 2 places"):
        apply(edit("x = 1", "x = 2"), "x = 1\ny = 1\nx = 1\n")


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.data())
def test_an_edit_of_any_lines_that_stand_once_replaces_these_alone(lines, data):
    begin = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(begin + 1, len(lines)))
    wanted = lines[begin:end]
    text = edit("\n".join(wanted), "new")
    places = sum(lines[i : i + len(wanted)] == wanted for i in range(len(lines)))
    if places == 1:
        assert apply(text, "\n".join(lines)).split() == [*lines[:begin], "new", *lines[end:]]
    else:
        with pytest.raises(EditError, match=f"{places} places"):
            apply(text, "\n".join(lines))


def test_an_answer_may_hold_edits_in_one_fence_or_in_several_or_in_none():
    first, second = edit("    m = g", "    m = -g"), edit("    return m", "    return 2 * m")
    made = SOURCE.replace("m = g", "m = -g").replace("return m", "return 2 * m")
    for text in (
        f"Idea.\n\n```python\n# slot: step\n{first}{second}```\n",
        f"Idea.\n\n```python\n# slot: step\n{first}```\nand\n```\n# slot: step\n{second}```\n",
        f"Idea.\n\n# slot: step\n{first}\n{second}",
        f"Idea.\n\n{first}\n{second}That is all.",
    ):
        assert has_edits(text)
        assert extract(text, ("step",), bases=[{"step": SOURCE}]) == {"step": made}


def test_edits_are_of_the_first_base_in_which_all_can_be_made_and_the_last_says_why_not():
    bases = [{"step": "a\nb\n"}, {"step": "a\nc\n"}]
    assert extract(f"```\n{edit('a', 'x')}```", ("step",), bases=bases) == {"step": "x\nb\n"}
    assert extract(f"```\n{edit('c', 'x')}```", ("step",), bases=bases) == {"step": "a\nx\n"}
    with pytest.raises(ExtractError, match=r"^step: what edit 1 searches for \('d'\)"):
        extract(f"```\n{edit('d', 'x')}```", ("step",), bases=bases)


def test_a_slot_may_be_edited_and_another_written_anew():
    text = f"```\n# slot: a\n{edit('x', 'y')}```\n```\n# slot: b\ndef f(): ...\n```"
    assert extract(text, ("a", "b"), bases=[{"a": "x\n", "b": "z\n"}]) == {"a": "y\n", "b": "def f(): ...\n"}


def test_code_that_shifts_and_compares_holds_no_edits():
    assert not holds("x = a << 7\ncout << SEARCH;\n=======\n")


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x85", "\u2028"])
def test_lines_end_where_the_reader_of_edits_ends_them(end):
    text = f"x = 1  #{end}<<<<<<< SEARCH\n"
    assert not holds(text)
    assert extract(f"```\n{text}```", ("step",), bases=[{"step": SOURCE}])["step"].startswith("x = 1")


def test_hostile_edits_are_read_in_linear_time():
    begin = time.process_time()
    for unit in ("<<<<<<< SEARCH\n", "=======\n", edit("a", "a")):
        with pytest.raises(ExtractError):
            extract("```\n<<<<<<< SEARCH\n" + unit * (400_000 // len(unit)), ("step",), bases=[{"step": SOURCE}])
    assert time.process_time() - begin < 5


def test_edits_are_offered_for_long_code_alone(slots, request_for, trial):
    def asked(lines: int, operator: str) -> str:
        long = Candidate(domain="sat", slots={"restart_due": "x\n" * lines})
        request = request_for(parents=(long, long), operator=operator)
        baseline = trial(0, Candidate(domain="sat"), (1.0,))
        context = gather(request, describe="", terms=Terms(), slots=slots, number=1, baseline=baseline)
        return render(request, context).messages[-1][1]

    assert "SEARCH" not in asked(LONG, "mutate")
    assert "The code of the first parent for `restart_due` is long." in asked(LONG + 1, "mutate")
    assert "SEARCH" in asked(LONG + 1, "crossover")
    assert "SEARCH" not in asked(LONG + 1, "fresh")  # it is to be unlike what stands there
