"""Answers: code is found in what models really write, and what cannot be read is one line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.prompts.extract import MAX_ANSWER, ExtractError, extract, idea
from slotforge.prompts.render import answer
from slotforge.solvers.sat.slot import slots as sat_slots

from .conftest import DECAY, DUE, LUBY

ONE = ("restart_due",)
TWO = ("restart_due", "decay")
HALF = LUBY[: LUBY.index("return")]

READABLE = {
    "as asked for": f"Idea.\n\n```cpp\n// slot: restart_due\n{LUBY}\n```",
    "no name, one slot": f"Idea.\n\n```cpp\n{LUBY}\n```\nThat is all.",
    "another tag": f'```C++ title="x.hpp"\n// slot: restart_due\n{LUBY}\n```',
    "no tag": f"```\n{LUBY}\n```",
    "tildes": f"~~~cpp\n{LUBY}\n~~~",
    "longer fence": f"````cpp\n// slot: restart_due\n{LUBY}\n````",
    "no closing fence": f"Idea.\n```cpp\n// slot: restart_due\n{LUBY}",
    "no fence": f"// slot: restart_due\n{LUBY}\nI hope that this helps.",
    "no fence, no name": f"Here is the code:\n\n{LUBY}\n\nI hope that this helps.",
    "windows": f"Idea.\n\n```cpp\n// slot: restart_due\n{LUBY}\n```\n".replace("\n", "\r\n"),
    "thoughts": f"<think>\n```cpp\n{DUE}\n```\nNo, better:\n</think>\n```cpp\n{LUBY}\n```",
    "end of thoughts alone": f"hm ```cpp\n{DUE}\n```\n</think>\n```cpp\n{LUBY}\n```",
    "start and end": f"// start\n{LUBY}\n// end\nThis restarts more.",
    "start and end in a fence": f"```cpp\n// slot: restart_due\n// start\n{LUBY}\n// end\n```",
    "name above the fence": f"**slot: `restart_due`**\n\n```cpp\n{LUBY}\n```",
    "name after blank lines": f"```cpp\n\n//slot:restart_due\n\n{LUBY}\n```",
    "name in a block comment": f"```cpp\n/* slot: restart_due */\n{LUBY}\n```",
    "first try given up": f"```cpp\n{DUE}\n```\nWait, that is the default.\n```cpp\n{LUBY}\n```",
    "breaks off after a full block": f"```cpp\n{LUBY}\n```\nOr simply:\n```cpp\n{HALF}",
    "a fragment behind": f"```cpp\n{LUBY}\n```\nThe heart of it is\n```cpp\nreturn true;\n```",
    "a shell block behind": f"```cpp\n{LUBY}\n```\n```bash\ng++ -c x.cpp\n```",
    "named beats unnamed": f"```cpp\n// slot: restart_due\n{LUBY}\n```\nThe default was:\n```cpp\n{DUE}\n```",
    "new fence without closing the old one": f"```cpp\n{HALF}\nSorry, again:\n```cpp\n{LUBY}\n```",
    "indented": "1. Code:\n\n   ```cpp\n" + "\n".join("   " + line for line in LUBY.splitlines()) + "\n   ```",
    "byte order mark": f"\ufeff```cpp\n{LUBY}\n```",
    "another slot as well": f"```cpp\n// slot: decay\n{DECAY}\n```\n```cpp\n// slot: restart_due\n{LUBY}\n```",
}

UNREADABLE = {
    "": "the answer is empty",
    "  \n\n": "the answer is empty",
    "I cannot help with that.": "holds no code: expected",
    "<think>\nlet me see ```cpp": "ends within <think>",
    f"```cpp\n// slot: decay\n{DECAY}\n```": r"\(found: 'decay'\): begin each block with the comment 'slot: NAME'$",
    f"```cpp\n// slot: restart_due\n{HALF}": "breaks off within the code for restart_due",
    "x" * (MAX_ANSWER + 1): "1,000,001 characters",
    "```cpp\n```": "holds no code",
}


@pytest.mark.parametrize("name", READABLE)
def test_code_is_found_however_it_is_wrapped(name):
    source = extract(READABLE[name], ONE)["restart_due"]
    assert [line.strip() for line in source.splitlines()] == [line.strip() for line in LUBY.splitlines()]


@pytest.mark.parametrize(("text", "line"), UNREADABLE.items(), ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_said_in_one_line(text, line):
    with pytest.raises(ExtractError, match=line) as caught:
        extract(text, ONE)
    assert "\n" not in str(caught.value)


def test_several_slots_need_their_names_and_come_in_the_order_of_the_request():
    both = f"```cpp\n// slot: decay\n{DECAY}\n```\n```cpp\n// slot: restart_due\n{LUBY}\n```"
    assert list(extract(both, TWO).items()) == [("restart_due", LUBY), ("decay", DECAY)]
    together = f"```cpp\n// slot: restart_due\n{LUBY}\n\n// slot: decay\n{DECAY}\n```"
    assert extract(together, TWO) == extract(both, TWO)
    with pytest.raises(ExtractError, match=r"for restart_due, decay \(found: a block without a name\)"):
        extract(f"```cpp\n{LUBY}\n{DECAY}\n```", TWO)
    with pytest.raises(ExtractError, match=r"for decay \(found: 'restart_due'\)"):
        extract(f"```cpp\n// slot: restart_due\n{LUBY}\n```", TWO)


def test_of_several_slots_some_may_be_left_out_where_all_code_is_for_slots_that_are_asked_for():
    one = f"```cpp\n// slot: decay\n{DECAY}\n```"
    assert extract(one, TWO, some=True) == {"decay": DECAY}
    for other in ("// slot: restart_now\n", ""):
        with pytest.raises(ExtractError, match="no code for restart_due"):
            extract(f"{one}\n```cpp\n{other}{LUBY}\n```", TWO, some=True)
    with pytest.raises(ExtractError, match="holds no code"):
        extract("I would leave all as it is.", TWO, some=True)


def test_a_comment_that_speaks_of_starts_and_slots_is_code():
    source = "// start of the sequence\nstruct A {\n    int slot = 3; // slot: 3 of 4\n    // end of it\n};\n"
    assert extract(f"```cpp\n{source}\n```", ONE) == {"restart_due": source}


def test_the_idea_is_the_prose_before_the_code():
    assert idea(f"Restart\nmore often.\n\n```cpp\n{LUBY}\n```\nDone.") == "Restart more often."
    assert idea(f"<think>no</think>Yes.\n// slot: restart_due\n{LUBY}") == "Yes."
    assert idea("word " * 1000) == ("word " * 100)
    assert idea("x" * 2_000_000) == ""
    assert idea("") == ""


marks = ["```", "````", "~~~", "```cpp", "// slot: restart_due", "# slot: decay", "// start", "// end"]
bits = ["<think>", "</think>", "struct A {", "}", "};", "{", "slot:", "\r\n", "\n", " ", "text", "\ufeff", "\x00", "*"]
words = st.sampled_from([*marks, *bits])


def read(text, names):
    """Return what was found, or why not."""
    try:
        return extract(text, names), ""
    except ExtractError as error:
        return {}, str(error)


@settings(deadline=None)
@given(parts=st.lists(words, max_size=30), names=st.sampled_from([ONE, TWO]))
def test_no_answer_raises_anything_but_extract_error(parts, names):
    for text in ("".join(parts), "\n".join(parts)):
        found, complaint = read(text, names)
        assert len(complaint.splitlines()) == (not found)
        assert list(found) == list(names) * bool(found)
        assert all(source.strip() for source in found.values())
        assert len(idea(text)) <= 500


@settings(deadline=None)
@given(text=st.text(max_size=300))
def test_no_text_raises_anything_but_extract_error(text):
    found, complaint = read(text, ONE)
    assert bool(found) != bool(complaint)


lines = st.text(alphabet="ab `~/#{}();=\t", max_size=20).map(str.rstrip)
sources = st.lists(lines, min_size=1, max_size=8).map(lambda body: "struct S {\n" + "\n".join(body) + "\n};\n")


@settings(deadline=None)
@given(first=sources, second=sources, prose=st.text(alphabet="ab. ", max_size=20))
def test_what_is_written_in_the_form_asked_for_is_read_back(first, second, prose):
    written = {"restart_due": first, "decay": second}
    assert extract(answer(written, idea=prose), TWO) == written
    assert extract(answer({"decay": first}, idea=prose), ("decay",)) == {"decay": first}


def test_every_policy_of_the_sat_solver_survives_the_form():
    for name, slot in sat_slots().items():
        for source in slot.variants.values():
            assert extract(answer({name: source}, idea="As it is."), (name,)) == {name: source}


@pytest.mark.parametrize("margin", ["", "   ", "\t"])
@pytest.mark.parametrize("tag", ["", "python"])
def test_a_fence_in_a_docstring_is_a_line_of_the_code(margin, tag):
    body = f'def f(x):\n    """Double.\n\n    ```{tag}\n    f(1)\n    ```\n    """\n    return 2 * x\n'
    lines = ["```python", *body.splitlines(), "```"]
    text = "Twice.\n\n" + "\n".join(margin + line for line in lines) + "\n\nThat is all."
    found = extract(text, ("f",))["f"]
    assert [line.removeprefix(margin) for line in found.splitlines()] == body.splitlines()


@pytest.mark.parametrize("fence", ["```", "~~~"])
@pytest.mark.parametrize("filler", [" ", "~", "x"])
def test_a_fence_with_a_long_line_behind_it_is_read_in_linear_time(fence, filler):
    begin = time.process_time()
    found, complaint = read(f"{fence}{filler * 60_000}`", ONE)
    assert found or complaint
    assert time.process_time() - begin < 5


def test_a_long_hostile_answer_is_read_in_linear_time():
    blocks = ("```\n1\n```\n", f"// slot: {ONE[0]}\n1\n")
    for unit in ("//\n", "```\n", "struct A {\n", "<think>", "`", "~", "// slot: a\n", "</think", *blocks):
        begin = time.process_time()
        found, complaint = read(unit * (MAX_ANSWER // len(unit)), ONE)
        assert found or complaint
        assert time.process_time() - begin < 10
