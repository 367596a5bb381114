"""Read the rules back out of a file: a rule file, several in one, or one that was exported."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from slotforge.core.errors import BuildError

SIZE_LIMIT = 1 << 20  # bytes of a file
_RETURN = "    return init, update"
_SECTION = re.compile(r"^# slot: (\w+)\s*$", re.MULTILINE)
_SCOPE = re.compile(rf"^def rule_(\w+)\(\) -> Any:\n(.*?)\n\n{_RETURN}$", re.MULTILINE | re.DOTALL)


def sections(slots: Mapping[str, str]) -> str:
    """Write rules one after the other, each below the name of its slot."""
    return "\n\n".join(f"# slot: {slot}\n{source.strip(chr(10))}\n" for slot, source in slots.items())


def read(path: Path) -> dict[str, str]:
    """Read a file.

    Returns:
        Slot name to source; a file that names no slot is a rule for `step`.

    Raises:
        BuildError: it cannot be read: `FILE: reason`.
    """
    try:
        data = path.read_bytes()
        if len(data) > SIZE_LIMIT:
            raise BuildError(f"{path}: larger than {SIZE_LIMIT} bytes: not a file of rules")
        text = data.decode().replace("\r\n", "\n")
    except OSError as error:
        raise BuildError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BuildError(f"{path}: is not text: {error.reason} at byte {error.start}") from error
    if scopes := _SCOPE.findall(text):
        return {slot: f"{textwrap.dedent(source)}\n" for slot, source in scopes}
    _, *found = _SECTION.split(text)
    if not found:
        return {"step": text}
    return {slot: f"{source.strip(chr(10))}\n" for slot, source in zip(found[::2], found[1::2], strict=True)}
