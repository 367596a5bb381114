"""Read the rules back out of a file: a rule file, several in one, or one that was exported."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from slotforge.core import syntax
from slotforge.core.errors import BuildError

SIZE_LIMIT = 1 << 20  # bytes of a file
SLOTS = ("step", "transform", "precondition", "schedule", "restart", "sampling", "selection")
_RETURN = "    return init, update"
_SECTION = re.compile(r"^# slot: (\w+)\s*$", re.MULTILINE)
_UPDATE = re.compile(r"^def update\(xp\b", re.MULTILINE)
_SCOPE = re.compile(rf"^def rule_(\w+)\(\) -> Any:\n(.*?)\n\n{_RETURN}$", re.MULTILINE | re.DOTALL)


def sections(slots: Mapping[str, str]) -> str:
    """Write rules one after the other, each below the name of its slot."""
    return "\n\n".join(f"# slot: {slot}\n{source.strip(chr(10))}\n" for slot, source in slots.items())


def read(path: Path) -> dict[str, str]:
    """Read a file.

    Returns:
        Slot name to source; a file that names no slot is a rule for `step`.

    Raises:
        BuildError: it cannot be read, or names a slot that there is not, or one twice: `FILE: reason`.
    """
    return marked(path) or {"step": _text(path)}


def marked(path: Path) -> dict[str, str]:
    """Read the rules of a file that stand below names of slots; none where there are no names; raises as `read`."""
    text = _text(path)
    if scopes := _SCOPE.findall(text):
        found = [(slot, textwrap.dedent(source)) for slot, source in scopes]
    else:
        above, *cut = _SECTION.split(text)
        if cut and not _says_only(above):
            raise BuildError(f"{path}: code above the first line '# slot: NAME' is in no slot: move it below")
        found = list(zip(cut[::2], cut[1::2], strict=True))
    names = [slot for slot, _ in found]
    for slot in names:
        if slot not in SLOTS:
            raise BuildError(f"{path}: no slot called '{slot}': choose from {', '.join(SLOTS)}")
        if names.count(slot) > 1:
            raise BuildError(f"{path}: slot {slot} is given twice: leave one of the two out")
    return {slot: f"{source.strip(chr(10))}\n" for slot, source in found}


def holds_rules(path: Path) -> bool:
    """Tell a file of rules, of whatever name, from one of another domain's policies."""
    try:
        text = _text(path)
    except BuildError:
        return False
    return bool(_SCOPE.search(text) or _SECTION.search(text) or _UPDATE.search(text))


def _says_only(text: str) -> bool:
    """Tell comments and a docstring from code."""
    try:
        body = syntax.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if len(data) > SIZE_LIMIT:
            raise BuildError(f"{path}: larger than {SIZE_LIMIT} bytes: not a file of rules")
        return data.decode().replace("\r\n", "\n")
    except OSError as error:
        raise BuildError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BuildError(f"{path}: is not text: {error.reason} at byte {error.start}") from error
