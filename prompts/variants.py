"""The sections of a prompt that may vary, and how another text takes their place.

What may vary is advice: who the model is told to be, guidelines, and the task of an operator. Data never does: the
solver, the slots, parents, measurements and the form of an answer are in every variant. A section is plain text with
fixed placeholders; it goes into the prompt as a value, never as a template, and can neither open a fence nor a heading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.prompting import MAX_SECTION, Variant

if TYPE_CHECKING:
    from collections.abc import Callable

PLACEHOLDERS = ("names", "language", "reference", "unit")
SYSTEM = "_system"
VARIED = "varied/"  # before the name of a template: with places for the sections of a variant

_ROLE = re.compile(r"\A.*?(?=^# )", re.DOTALL | re.MULTILINE)
_GUIDELINES = re.compile(r"^(?=# Form of an answer)", re.MULTILINE)
_TASK = re.compile(r"(?<=^## Task\n\n).*?(?=^\{% include)", re.DOTALL | re.MULTILINE)
_EXPRESSION = re.compile(r"\{\{ (?:terms\.)?(names|language|reference|unit) \}\}")
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)})\}}")
_FENCE = re.compile(r"`{3,}|~{3,}")
_HEADING = re.compile(r"^[ \t]*(?:(?:#+|=+|-{2,})(?:[ \t]+|$))+", re.MULTILINE)
_CONTROL = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")


def plain(text: str) -> str:
    """Take from a text what could pass for the structure of a prompt: fences, headings, control characters."""
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _HEADING.sub("", _FENCE.sub("'''", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of the placeholders, once; other braces stay as they are."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def variant(operator: str, sections: Mapping[str, str]) -> Variant:
    """Make a variant, with shipped texts for the sections that are not given.

    Raises:
        UsageError: there is no such section, or a text is too long.
    """
    own = shipped(operator).sections
    if unknown := sorted(sections.keys() - own.keys()):
        raise UsageError(f"prompts of '{operator}' have no section '{unknown[0]}' that may vary: {', '.join(own)} may")
    made = {name: plain(sections.get(name, text)) for name, text in own.items()}
    if long := [name for name, text in made.items() if len(text) > MAX_SECTION]:
        raise UsageError(f"section '{long[0]}' has {len(made[long[0]]):,} characters; at most {MAX_SECTION:,} may be")
    return Variant(operator=operator, sections=made)


@cache
def shipped(operator: str) -> Variant:
    """Return the sections as the templates hold them.

    A task that holds data, or decides what it says, does not vary; then role and guidelines alone do.
    """
    from slotforge.prompts.render import source

    found = {"role": _text(_ROLE, source(f"{SYSTEM}.md")), "guidelines": ""}
    task = _text(_TASK, source(f"{operator}.md"))
    sections = found | {"task": task}
    return Variant(operator=operator, sections={name: text for name, text in sections.items() if text is not None})


def _text(pattern: re.Pattern[str], body: str) -> str | None:
    """Read a section from a template; None where it is none, or more than text with placeholders."""
    match = pattern.search(body)
    text = _EXPRESSION.sub(r"{\1}", match[0].strip("\n")) if match else ""
    whole = text and "{{" not in text and "{%" not in text and len(text) <= MAX_SECTION and plain(text) == text
    return text if whole else None


def places(name: str, body: str) -> str:
    """Put places for the sections of a variant into the body of a template, in place of what it ships with.

    Args:
        name: of the template's file.
        body: of the template.
    """
    if name == f"{SYSTEM}.md":
        body = _ROLE.sub(_place("{{ sections.role }}\n\n"), body, count=1)
        guidelines = "{% if sections.guidelines %}\n# Guidelines\n\n{{ sections.guidelines }}\n\n{% endif %}\n"
        return _GUIDELINES.sub(_place(guidelines), body, count=1)
    return _TASK.sub(_place("{{ sections.task }}\n\n"), body, count=1)


def _place(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text
