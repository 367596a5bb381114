"""Found heuristics as a C++ header, and every way to say which heuristics to use.

In the header each policy is one struct below a line `// slot: NAME`. It compiles by itself against the engine's
headers; what stands around the policies is for the compiler and for people, and is not read back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError, UsageError
from slotforge.solvers.sat.source import params, struct, text, tree, walk, with_params

if TYPE_CHECKING:
    from tree_sitter import Node

Slots = Mapping[str, str]
Known = Callable[[str], Slots]

BASELINE = "baseline"
SIZE_LIMIT = 1 << 20  # bytes of a file

_SCOPES = frozenset({"translation_unit", "declaration_list", "preproc_ifdef", "preproc_if"})
_MARK = re.compile(r"//\s*slot:\s*(\w+)\s*")
_ID = re.compile(r"[0-9a-f]{4,16}")

_POLICY = """
namespace heuristics::{slot} {{
using namespace slotforge;
using namespace slotforge::slots::{slot};

// slot: {slot}
{source}
}} // namespace heuristics::{slot}
"""


def write(slots: Slots, provenance: Sequence[str] = ()) -> str:
    """Write heuristics as a header that `parse` reads back.

    Args:
        slots: of policies, slot name to source; blank lines around a source are not kept.
        provenance: lines that say where they come from; they stand above as comments.
    """
    comments = [f"// {_printable(line)}".rstrip() for line in provenance]
    includes = [f'#include "slots/{slot}.hpp"' for slot in sorted(slots)]
    head = "\n".join([*comments, *([""] if comments else []), "#pragma once", *includes, "#include <limits>", ""])
    return head + "".join(_POLICY.format(slot=slot, source=_trimmed(slots[slot])) for slot in sorted(slots))


def read(path: str | os.PathLike[str]) -> Slots:
    """Read a heuristics file.

    Returns:
        Slot name to source.

    Raises:
        BuildError: it cannot be read, or is no such file: `FILE:LINE: reason`.
    """
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
        if len(data) > SIZE_LIMIT:
            raise BuildError(f"{name}: larger than {SIZE_LIMIT} bytes: not a heuristics file")
        return parse(data.decode(), name)
    except OSError as error:
        raise BuildError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BuildError(f"{name}: is not text: {error.reason} at byte {error.start}") from error


def parse(header: str, name: str = "<heuristics>") -> Slots:
    """Read the text of a heuristics file; arguments and errors as for `read`, `name` being what messages call it."""
    header = header.replace("\r\n", "\n")
    found: dict[str, str] = {}
    for slot, line, source in _sections(header.encode(), tree(header)):
        if slot in found:
            raise BuildError(f"{name}:{line}: slot {slot} is given twice: leave one of the two out")
        try:
            struct(source)
        except BuildError as error:
            raise BuildError(f"{name}:{line}: slot {slot}: {error}") from error
        found[slot] = source
    if not found:
        raise BuildError(f"{name}: holds no policy: expected a struct below a line '// slot: NAME'")
    return found


def resolve(heuristics: Slots | str | os.PathLike[str] | None, known: Known) -> Slots:
    """Find out which policies are meant, and check them.

    Args:
        heuristics: slot name to source; or the path of a heuristics file; or built-in variants with numbers if wanted,
            as "restart_due=Luby,decay=EasySat" or "restart_due=Luby:unit=50"; or "baseline"; or the id of a candidate,
            or the beginning of one; None is the baseline.
        known: looks a candidate up by its id.

    Returns:
        Slot name to source; empty for the baseline.

    Raises:
        UsageError: nothing of the kind exists.
        BuildError: a policy is not what it should be; what `known` raises.
    """
    slots = heuristics if isinstance(heuristics, Mapping) else _named(heuristics, known)
    _check(slots)
    return dict(slots)


def builtin(choice: str) -> Slots:
    """Read "SLOT=VARIANT[:NUMBER=VALUE...][,...]"; raises UsageError with the names that there are."""
    from slotforge.solvers.sat.slot import slots

    chosen: dict[str, str] = {}
    for part in filter(None, map(str.strip, choice.split(","))):
        slot, _, rest = part.partition("=")
        variant, *numbers = rest.split(":")
        if slot not in slots():
            raise UsageError(f"'{part}': no slot '{slot}': choose one of {', '.join(slots())}")
        variants = slots()[slot].variants
        if variant not in variants:
            raise UsageError(f"'{part}': slot {slot} has no variant '{variant}': choose one of {', '.join(variants)}")
        if slot in chosen:
            raise UsageError(f"'{choice}': slot {slot} is given twice")
        values = dict(_number(part, number) for number in numbers)
        _within(part, variants[variant], values)
        chosen[slot] = with_params(variants[variant], values)
    return chosen


def _named(heuristics: str | os.PathLike[str] | None, known: Known) -> Slots:
    if heuristics is None or heuristics == BASELINE:
        return {}
    name = os.fspath(heuristics)
    if not isinstance(heuristics, str) or os.sep in name or Path(name).is_file():
        return read(heuristics)
    if "=" in name:
        return builtin(name)
    if _ID.fullmatch(name.strip().lower()):
        return known(name)
    raise UsageError(
        f"'{name}' names no heuristics: give a candidate's id, a heuristics file, SLOT=VARIANT,... or '{BASELINE}'"
    )


def _check(slots: Slots) -> None:
    if not slots:
        return
    from slotforge.solvers.sat.hygiene import check

    for slot, source in slots.items():
        if fault := check(slot, source):
            raise BuildError(f"slot {slot}: {fault}")


def _within(part: str, source: str, values: Mapping[str, float]) -> None:
    """Refuse numbers that the policy has not, or that are out of their range."""
    known = {param.name: param for param in params(source)}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"'{part}': the policy has no number '{name}'; it has {', '.join(known) or 'none'}")
        if not known[name].low <= value <= known[name].high:
            raise UsageError(f"'{part}': {name} lies between {known[name].low:g} and {known[name].high:g}")


def _number(part: str, text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise UsageError(f"'{part}': '{text}' is not NAME=NUMBER") from None


def _sections(data: bytes, root: Node) -> Iterator[tuple[str, int, str]]:
    """Yield slot, line and source of each policy: what is between its mark and the next thing that is no part of it."""
    for scope in (node for node in walk(root) if node.type in _SCOPES):
        slot, start, end = "", 0, 0
        for node in scope.children:
            mark = _MARK.fullmatch(text(node)) if node.type == "comment" else None
            if mark and not (slot and start == end):
                if slot:
                    yield slot, *_cut(data, start, end)
                slot, start = mark[1], node.end_byte
                end = start
            elif slot and node.type in ("struct_specifier", ";"):
                end = node.end_byte
            elif slot and node.type != "comment":
                yield slot, *_cut(data, start, end)
                slot = ""
        if slot:
            yield slot, *_cut(data, start, end)


def _cut(data: bytes, start: int, end: int) -> tuple[int, str]:
    return data[:start].count(b"\n") + 1, _trimmed(data[start:end].decode())


def _trimmed(source: str) -> str:
    return source.replace("\r\n", "\n").strip("\n") + "\n"


def _printable(line: str) -> str:
    """One line that a comment may hold: a backslash at its end would make a comment of the next line as well."""
    return re.sub(r"[\\\s]+$", "", re.sub(r"[\x00-\x1f\x7f]+", " ", line))
