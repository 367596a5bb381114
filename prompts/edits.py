"""Edits of a source in place of the whole: blocks of lines to SEARCH for and to REPLACE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from slotforge.core.errors import BuildError

MAX_SHOWN = 80  # characters of a line in a message

_SEARCH = re.compile(r"\s*<{5,9} ?SEARCH\s*$")
_DIVIDER = re.compile(r"\s*={5,9}\s*$")
_REPLACE = re.compile(r"\s*>{5,9} ?REPLACE\s*$")


class EditError(BuildError):
    """Edits cannot be applied; the message names the one that cannot, and why."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change: lines that stand in a source, and the lines in their place."""

    search: Sequence[str]
    replace: Sequence[str]


def begins(line: str) -> bool:
    """Whether an edit begins at a line."""
    return bool(_SEARCH.match(line))


def ends(line: str) -> bool:
    """Whether an edit ends at a line."""
    return bool(_REPLACE.match(line))


def holds(text: str) -> bool:
    """Whether a text holds edits."""
    return any(map(begins, text.split("\n")))


def apply(text: str, source: str) -> str:
    """Make the edits of a text, in their order; what stands between them is not read.

    The lines to search for must stand in the source at exactly one place: as they are, or else but for the spaces in
    them, when those in their place are indented as the source is.

    Raises:
        EditError: an edit breaks off, or its lines stand at no place, or at several.
    """
    lines = source.rstrip("\n").split("\n")
    for number, edit in enumerate(_read(text), start=1):
        lines = _changed(lines, edit, number)
    return "\n".join(lines).strip("\n") + "\n"


def _read(text: str) -> Iterator[Edit]:
    """Find the edits of a text."""
    number, search, replace = 0, list[str](), list[str]()
    into: list[str] | None = None
    for line in text.split("\n"):
        if begins(line):
            if into is not None:
                break
            number, search, replace = number + 1, [], []
            into = search
        elif into is search and into is not None and _DIVIDER.match(line):
            into = replace
        elif into is replace and into is not None and ends(line):
            yield Edit(search=search, replace=replace)
            into = None
        elif into is not None:
            into.append(line)
    if into is not None:
        raise EditError(f"edit {number} breaks off: it needs a line '=======' and a line '>>>>>>> REPLACE'")


def _changed(lines: Sequence[str], edit: Edit, number: int) -> list[str]:
    """Make one edit."""
    wanted = _trimmed(edit.search)
    if not wanted:
        raise EditError(f"edit {number} searches for nothing: give the lines that it replaces")
    for same in (str.rstrip, _unspaced):
        places = _places(lines, wanted, same)
        if len(places) > 1:
            raise EditError(f"{_named(number, wanted)} stands at {len(places)} places: search for more lines around it")
        if places:
            (begin,) = places
            moved = _moved(_trimmed(edit.replace), of=wanted[0], to=lines[begin])
            return [*lines[:begin], *moved, *lines[begin + len(wanted) :]]
    raise EditError(f"{_named(number, wanted)} does not stand in the code: repeat the lines exactly as they are there")


def _named(number: int, wanted: Sequence[str]) -> str:
    line = wanted[0].strip()
    return f"what edit {number} searches for ('{line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + '...'}')"


def _places(lines: Sequence[str], wanted: Sequence[str], same: Callable[[str], str]) -> list[int]:
    """Find where lines stand, compared by what `same` makes of them."""
    have, want = [same(line) for line in lines], [same(line) for line in wanted]
    return [i for i in range(len(have) - len(want) + 1) if have[i] == want[0] and have[i : i + len(want)] == want]


def _unspaced(line: str) -> str:
    return "".join(line.split())


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Leave out empty lines at both ends."""
    filled = [i for i, line in enumerate(lines) if line.strip()]
    return [line.rstrip() for line in lines[filled[0] : filled[-1] + 1]] if filled else []


def _moved(lines: Sequence[str], *, of: str, to: str) -> list[str]:
    """Indent lines as the source is, by the first line that was searched for and the one that was found."""
    had, has = _indent(of), _indent(to)
    return [has + line.removeprefix(had) if line.startswith(had) and line else line for line in lines]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
