"""Answers as JSON objects: read however they are wrapped, with fences as the way out."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.types import Candidate, Terms
from slotforge.prompts.context import gather
from slotforge.prompts.extract import ExtractError, extract, idea
from slotforge.prompts.render import render
from slotforge.prompts.structured import ParameterError, schema, with_parameters

from .conftest import DECAY, DUE, LUBY

ONE = ("restart_due",)


def written(**fields: object) -> str:
    return json.dumps({"idea": "Restart\nmore.", "code": {"restart_due": LUBY}} | fields)


READABLE = {
    "as asked for": written(),
    "between fences": f"Here it is:\n```json\n{written()}\n```\nDone.",
    "between fences without a tag": f"```\n{written()}\n```",
    "after prose": f"Here it is:\n\n{written()}\n\nI hope that it helps.",
    "indented": json.dumps(json.loads(written()), indent=2),
    "with line ends in the text": written().replace("\\n", "\n"),
    "code as one text": written(code=LUBY),
    "code in a fence": written(code={"restart_due": f"```cpp\n{LUBY}```"}),
    "code that names its slot": written(code={"restart_due": f"// slot: restart_due\n{LUBY}"}),
    "another slot as well": written(code={"decay": DECAY, "restart_due": LUBY}),
    "thoughts": f"<think>{written(code='no')}</think>{written()}",
    "parameters that are none": written(parameters=None),
}


@pytest.mark.parametrize("name", READABLE)
def test_an_object_is_found_however_it_is_wrapped(name):
    assert extract(READABLE[name], ONE) == {"restart_due": LUBY}
    assert idea(READABLE[name]) == "Restart more."


def test_a_model_that_writes_fences_alone_is_read_all_the_same():
    assert extract(f"Idea.\n```cpp\n{LUBY}```", ONE) == {"restart_due": LUBY}
    fenced = f'{{"idea": "x"}}\n```cpp\n// slot: restart_due\n{LUBY}```'
    assert extract(fenced, ONE) == {"restart_due": LUBY}


def test_parameters_overwrite_the_defaults_of_numbers_by_name():
    made = extract(written(code={"restart_due": DUE}, parameters={"margin": 1.25}), ONE)["restart_due"]
    assert made == DUE.replace("SLOT_PARAM(margin, 1.10,", "SLOT_PARAM(margin, 1.25,")
    rule = 'HP = {"lr": (1e-3, 1e-5, 10.0, "log"), \'beta\': ( 0.9, 0, 1, "linear")}\n\ndef update(): ...\n'
    made = extract(written(code=rule, parameters={"lr": 2, "beta": -0.5}), ONE)["restart_due"]
    assert made == rule.replace("1e-3", "2").replace("0.9", "-0.5")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (written(parameters={"nothing": 1}), "declares no number called 'nothing'"),
        (written(parameters={"margin": "high"}), "parameter 'margin' is no number"),
        (written(parameters={"margin": True}), "parameter 'margin' is no number"),
        ('{"code": "", "parameters": {"x": NaN}}', "parameter 'x' is no number"),
        (f'{{"code": "", "parameters": {{"x": 1{"0" * 400}}}}}', "parameter 'x' is no number"),
        (written(parameters=[1]), "no object of at most 100"),
        (written(parameters={str(i): 1 for i in range(101)}), "no object of at most 100"),
        (written(code={"decay": DECAY}), r"no code for restart_due \(found: 'decay'\)"),
        (written(code=3), "holds no code"),
        (written()[:60], "begins as a JSON object and cannot be read as one"),
        ('{"idea": "none"}', 'a JSON object without "code"'),
        ("{" * 100_000, "cannot be read as one"),
        ('{"a":' * 100_000, "cannot be read as one"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(text, line):
    with pytest.raises(ExtractError, match=line) as caught:
        extract(text, ONE)
    assert "\n" not in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(code=values, parameters=values, said=values)
def test_no_object_raises_anything_but_extract_error(code, parameters, said):
    text = json.dumps({"idea": said, "code": code, "parameters": parameters})
    assert len(idea(text)) <= 500
    try:
        found = extract(text, ("restart_due", "decay"))
    except ExtractError:
        return
    assert list(found) == ["restart_due", "decay"]


def test_half_a_character_is_replaced_for_no_prompt_could_hold_it():
    text = written(idea="Restart \ud83d more.", code={"restart_due": f"// \ud800\n{LUBY}", "\ud800": "x"})
    assert "\\ud83d" in text
    assert idea(text) == "Restart ? more."
    assert extract(text, ONE) == {"restart_due": f"// ?\n{LUBY}"}
    with pytest.raises(ExtractError) as caught:
        extract(text, ("decay",))
    assert str(caught.value).isascii()


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_read_in_an_object_as_outside(end):
    assert extract(written(code={"restart_due": LUBY.replace("\n", end)}), ONE) == {"restart_due": LUBY}


def test_a_parameter_without_a_proper_name_is_refused_at_once():
    source = "SLOT_PARAM(" + " " * 100_000 + "x"
    begin = time.process_time()
    for name in ("", " ", "a b"):
        with pytest.raises(ParameterError, match="declares no number"):
            with_parameters({"restart_due": source}, {name: 1})
    assert time.process_time() - begin < 1


def test_the_prompt_asks_for_one_form_and_tells_of_no_other(slots, request_for, trial):
    def system(answers) -> str:
        baseline = trial(0, Candidate(domain="sat"), (1.0,))
        request = request_for()
        context = gather(request, describe="", terms=Terms(), slots=slots, number=1, baseline=baseline, answers=answers)
        return render(request, context).messages[0][1]

    assert "// slot: NAME" in system("fences")
    assert "JSON" not in system("fences")
    assert '"parameters"' in system("json")
    assert "// slot: NAME" not in system("json")


def test_the_schema_names_the_slots_that_are_asked_for():
    assert schema(ONE)["properties"]["code"]["required"] == ["restart_due"]
    several = schema((*ONE, "decay"))["properties"]["code"]
    assert (list(several["properties"]), several["required"]) == ([*ONE, "decay"], [])  # any of them may stay
    assert set(schema(ONE)["properties"]) == {"idea", "code", "parameters"}


def test_a_constant_with_a_range_is_a_number_that_can_be_set():
    source = "WEIGHT = 0.5  # in [0.05, 5]\nOTHER = 1\n\n\ndef priority(item, bins):\n    return WEIGHT * bins\n"
    made = with_parameters({"priority": source}, {"WEIGHT": 2.0})
    assert made["priority"] == source.replace("0.5 ", "2.0 ", 1)
    with pytest.raises(ParameterError, match="OTHER"):
        with_parameters({"priority": source}, {"OTHER": 2.0})
