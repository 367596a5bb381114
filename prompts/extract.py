"""From an answer to code: one source for each requested slot, or one line that says what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from slotforge.core.errors import BuildError
from slotforge.prompts import edits, structured

MAX_ANSWER = 1_000_000  # characters
MAX_IDEA = 500

_FENCE = re.compile(r"[ \t]*+(`{3,}+|~{3,}+)([^`]*+)$")
_DEEP = 4  # columns deeper than a fence: what looks like one there is a line of the code, as of a docstring
_SLOT = re.compile(r"\s*(?://|#|/\*|--)[\W_]{0,4}slot\W{0,4}[:=]\W{0,4}([A-Za-z_]\w*)\W*$", re.IGNORECASE)
_ABOVE = re.compile(r"\W{0,8}slot\W{0,4}[:=]\W{0,4}([A-Za-z_]\w*)\W*$", re.IGNORECASE)
_START = re.compile(r"\s*(//|#)\s*start\s*$", re.IGNORECASE)
_END = re.compile(r"\s*(//|#)\s*end\s*$", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(//|#(?!\s*(include|define|pragma)))")
_DEFINES = re.compile(r"\b(struct|class|def)\s+\w")
_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</(think|thinking|thought|reasoning)>", re.IGNORECASE)


class ExtractError(BuildError):
    """An answer holds no code for a slot; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A piece of code in an answer: the slot that it names, and whether it ends properly."""

    slot: str | None
    source: str
    closed: bool

    @property
    def balanced(self) -> bool:
        """Whether every brace is closed."""
        return self.source.count("{") == self.source.count("}")

    @property
    def rank(self) -> tuple[bool, bool]:
        """Among blocks for the same slot, those that define or edit something come first, then complete ones."""
        return (self.edits or bool(_DEFINES.search(self.source)), self.edits or (self.balanced and self.closed))

    @property
    def edits(self) -> bool:
        """Whether it holds edits of another source."""
        return edits.holds(self.source)


def extract(
    text: str, slots: Sequence[str], *, bases: Sequence[Mapping[str, str]] = (), some: bool = False
) -> Mapping[str, str]:
    """Read the source for each slot from an answer.

    The last complete block of a slot wins. A block without a name counts when only one slot is requested. Forgiven are
    any language tag, a missing closing fence, no fence at all, markers `// start` and `// end`, Windows line ends, and
    thoughts in tags. An answer may also be a JSON object, see `structured`; and code may be edits of a source, see
    `edits`.

    Args:
        text: the answer as it came.
        slots: names of the requested slots.
        bases: what edits may be of, slot -> source; the first in which all of a slot's can be made.
        some: whether an answer may leave slots out, as long as all of its code is for slots that are requested.

    Returns:
        Source by slot, in the order requested, without the line that names the slot, ending in one newline.

    Raises:
        ExtractError: the answer is empty or too long, or a slot has no code.
    """
    lines, fenced = _read(text)
    if not any(line.strip() for line in lines):
        raise ExtractError("the answer is empty")
    try:
        answer = structured.read(_objects(lines, fenced), slots)
        blocks = list(_written(answer)) if answer else fenced or list(_bare(lines))
        found = {slot: _best(blocks, slot, alone=len(slots) == 1) for slot in slots}
        missing = [slot for slot, block in found.items() if block is None]
        if missing and not (some and blocks and all(block.slot in slots for block in blocks)):
            raise ExtractError(structured.fault(text) or _complaint(missing, blocks))
        if cut := [slot for slot, block in found.items() if block and not (block.closed or block.balanced)]:
            raise ExtractError(f"the answer breaks off within the code for {', '.join(cut)}")
        sources = {slot: _whole(block, slot, bases) for slot, block in found.items() if block}
        return structured.with_parameters(sources, answer.parameters) if answer else sources
    except (edits.EditError, structured.ParameterError) as error:
        raise ExtractError(str(error)) from None


def has_edits(text: str) -> bool:
    """Whether an answer edits a source instead of writing it anew."""
    return edits.holds(text.replace("\\n", "\n"))  # as a string in JSON has its line ends


def idea(text: str) -> str:
    """Return the prose before the code as one line of at most 500 characters; empty when there is none."""
    try:
        lines, fenced = _read(text)
    except ExtractError:
        return ""
    with suppress(structured.ParameterError):
        if answer := structured.read(_objects(lines, fenced), ()):
            return " ".join(answer.idea.split())[:MAX_IDEA]
    prose: list[str] = []
    for line in lines:
        if (
            _FENCE.match(line)
            or edits.begins(line)
            or _SLOT.match(line)
            or _DEFINES.match(line.lstrip())
            or _START.match(line)
        ):
            break
        prose.append(line)
    return " ".join(" ".join(prose).split())[:MAX_IDEA]


@lru_cache(maxsize=8)
def _read(text: str) -> tuple[Sequence[str], Sequence[_Block]]:
    """Cut an answer, which is read for its code and then for its idea, into lines, and find what stands in fences."""
    lines = _lines(text)
    return lines, list(_fenced(lines))


def _lines(text: str) -> list[str]:
    if len(text) > MAX_ANSWER:
        raise ExtractError(f"the answer has {len(text):,} characters; at most {MAX_ANSWER:,} are read")
    ends = list(_THOUGHT_END.finditer(text))
    if ends:
        text = text[ends[-1].end() :]
    elif begin := _THOUGHT.match(text.lstrip()):
        raise ExtractError(f"the answer ends within <{begin[1]}>, before any code")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _fenced(lines: Sequence[str]) -> Iterator[_Block]:
    """Find the code between fences; a marker `slot: NAME` may stand in the block or on the line above the fence."""
    fence, indent, body, above, name = "", 0, list[str](), "", None
    for line in lines:
        match = _FENCE.match(line)
        deep = bool(match and fence) and _width(line) >= indent + _DEEP
        if match and match[1].startswith(fence) and not deep:
            opens = not fence or bool(match[2].strip())
            yield from _split(body, name, closed=not opens)
            fence, body, name = (match[1], [], _name(_ABOVE, above)) if opens else ("", [], None)
            indent, above = _width(line), ""
        elif fence:
            body.append(line)
        elif line.strip():
            above = line
    if fence:
        yield from _split(body, name, closed=False)


def _width(line: str) -> int:
    """Return how many columns a line is indented."""
    return len(line.expandtabs(_DEEP)) - len(line.expandtabs(_DEEP).lstrip())


def _objects(lines: Sequence[str], fenced: Sequence[_Block]) -> Iterator[str]:
    """Find what may be a JSON object: the last of what stands between fences, or the first line that begins one."""
    yield from (block.source for block in reversed(fenced))
    begin = next((i for i, line in enumerate(lines) if line.startswith("{")), None)
    if begin is not None:
        yield "\n".join(lines[begin:])


def _written(answer: structured.Answer) -> Iterator[_Block]:
    """Read the code in an object, which may stand between fences of its own."""
    for name, text in answer.code.items():
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        inner = list(_fenced(lines)) or list(_split(lines, name, closed=True))
        yield from (replace(block, slot=name) for block in inner)


def _bare(lines: Sequence[str]) -> Iterator[_Block]:
    """Find code without fences: from a marker, a start line or a definition to the last line that closes it."""
    starts = (i for i, line in enumerate(lines) if _begins_code(line))
    begin = next(starts, None)
    if begin is None:
        return
    while begin > 0 and _COMMENT.match(lines[begin - 1]):
        begin -= 1
    ends = (i for i in range(len(lines) - 1, begin, -1) if lines[i].startswith("}") or _ends_code(lines[i]))
    yield from _split(lines[begin : next(ends, len(lines)) + 1], None, closed=True)


def _begins_code(line: str) -> bool:
    return bool(_SLOT.match(line) or _START.match(line) or _DEFINES.match(line)) or edits.begins(line)


def _ends_code(line: str) -> bool:
    return bool(_END.match(line)) or edits.ends(line)


def _split(lines: Sequence[str], name: str | None, *, closed: bool) -> Iterator[_Block]:
    """Cut a piece of code at its markers, each of which begins the code of a slot."""
    body: list[str] = []
    for line in _between_marks(lines):
        if marker := _name(_SLOT, line):
            yield from _block(body, name, closed=True)
            name, body = marker, []
        else:
            body.append(line)
    yield from _block(body, name, closed=closed)


def _between_marks(lines: Sequence[str]) -> Sequence[str]:
    begin = next((i for i, line in enumerate(lines) if _START.match(line)), len(lines))
    end = next((i for i in range(begin + 1, len(lines)) if _END.match(lines[i])), None)
    if end is None:
        return lines
    return [*(line for line in lines[:begin] if _SLOT.match(line)), *lines[begin + 1 : end]]


def _block(lines: Sequence[str], name: str | None, *, closed: bool) -> Iterator[_Block]:
    if source := "\n".join(line.rstrip() for line in lines).strip("\n"):
        yield _Block(slot=name, source=source + "\n", closed=closed)


def _name(pattern: re.Pattern[str], line: str) -> str | None:
    match = pattern.match(line)
    return match[1] if match else None


def _best(blocks: Sequence[_Block], slot: str, *, alone: bool) -> _Block | None:
    named = [block for block in blocks if block.slot == slot]
    unnamed = [block for block in blocks if block.slot is None] if alone else []
    choices = named or unnamed
    if len(choices) < 2:
        return next(iter(choices), None)
    ranks = [block.rank for block in choices]
    highest = max(ranks)
    last = [block for block, rank in zip(choices, ranks, strict=True) if rank == highest][-1]
    if not last.edits:
        return last
    return replace(last, source="".join(block.source for block in choices if block.edits))


def _whole(block: _Block, slot: str, bases: Sequence[Mapping[str, str]]) -> str:
    """Return the source of a block, or what its edits make of a base; what the last base says of them counts."""
    if not block.edits:
        return block.source
    *earlier, last = [base[slot] for base in bases if slot in base] or [""]
    for base in earlier:
        with suppress(edits.EditError):
            return edits.apply(block.source, base)
    try:
        return edits.apply(block.source, last)
    except edits.EditError as error:
        raise ExtractError(f"{slot}: {error}") from None


def _complaint(missing: Sequence[str], blocks: Sequence[_Block]) -> str:
    names = ", ".join(missing)
    if not blocks:
        return f"the answer holds no code: expected a fenced block that begins with the comment 'slot: {missing[0]}'"
    found = ", ".join(sorted({f"'{block.slot}'" if block.slot else "a block without a name" for block in blocks}))
    return (
        f"the answer holds no code for {names} (found: {found[:200]}): begin each block with the comment 'slot: NAME'"
    )
