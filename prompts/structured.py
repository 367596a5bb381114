"""Answers as one JSON object: {"idea": ..., "code": {slot: source}, "parameters": {name: number}}."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slotforge.core.errors import BuildError

MAX_PARAMETERS = 100
LARGEST = 1e300

_DECODER = json.JSONDecoder(strict=False)  # line ends may stand in a text as they are
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


class ParameterError(BuildError):
    """A parameter cannot be set; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model said in the form of an object.

    parameters: by name; the defaults of the numbers of these names in the code.
    """

    idea: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


def schema(slots: Sequence[str]) -> Mapping[str, Any]:
    """Describe the form of an answer that holds code for these slots, or for some of several, as a JSON schema."""
    text = {"type": "string"}
    needed = list(slots) if len(slots) == 1 else []
    code = {"type": "object", "properties": dict.fromkeys(slots, text), "required": needed}
    fields = {"idea": text, "code": code, "parameters": {"type": "object", "additionalProperties": {"type": "number"}}}
    return {"type": "object", "properties": fields, "required": ["idea", "code"]}


def read(texts: Iterable[str], slots: Sequence[str]) -> Answer | None:
    """Read the first of some texts that is an object with code; None where none is.

    Code that is one string, rather than an object of them, is for the slot where only one is requested.
    """
    objects = filter(None, map(_object, texts))
    return next((_answer(value, slots) for value in objects if "code" in value), None)


def fault(text: str) -> str:
    """Say why an answer that begins as an object cannot be read; empty when it does not begin so."""
    if not text.lstrip().startswith("{"):
        return ""
    try:
        value, _ = _DECODER.raw_decode(text.lstrip())
    except (ValueError, RecursionError) as error:
        return f"the answer begins as a JSON object and cannot be read as one: {str(error)[:120]}"
    return "" if "code" in value else 'the answer is a JSON object without "code"'


def with_parameters(sources: Mapping[str, str], parameters: Mapping[str, float]) -> Mapping[str, str]:
    """Set the numbers that sources declare, in SLOT_PARAM, in HP or with a range; raises ParameterError for others."""
    made = dict(sources)
    for name, value in parameters.items():
        word = re.escape(name)
        forms = rf"""\bSLOT_PARAM\(\s*{word}\s*,\s*|["']{word}["']\s*:\s*\(\s*|^{word} = (?={_NUMBER}  # in \[)"""
        pattern = re.compile(f"({forms}){_NUMBER}", re.MULTILINE)
        counts = 0
        for slot, source in made.items() if name.isidentifier() else ():
            made[slot], count = pattern.subn(rf"\g<1>{value!r}", source)
            counts += count
        if not counts:
            raise ParameterError(f'the code declares no number called {name[:80]!r}, which "parameters" sets')
    return made


def _object(text: str) -> Mapping[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value: Mapping[str, Any] = _DECODER.raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None
    return value


def _answer(value: Mapping[str, Any], slots: Sequence[str]) -> Answer:
    code, parameters = value["code"], value.get("parameters") or {}
    if isinstance(code, str) and len(slots) == 1:
        code = {slots[0]: code}
    written = code.items() if isinstance(code, dict) else ()
    texts = {_sound(name): _sound(text) for name, text in written if isinstance(text, str)}
    if not isinstance(parameters, dict) or len(parameters) > MAX_PARAMETERS:
        raise ParameterError(f'"parameters" is no object of at most {MAX_PARAMETERS} names and numbers')
    for name, number in parameters.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not -LARGEST < number < LARGEST:
            raise ParameterError(f"parameter {name[:80]!r} is no number")
    said = value.get("idea")
    return Answer(idea=_sound(said) if isinstance(said, str) else "", code=texts, parameters=parameters)


def _sound(text: str) -> str:
    """Replace halves of characters, which JSON can write and nothing can send."""
    return text.encode("utf-8", "replace").decode()
