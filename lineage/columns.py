"""Column types that give back exactly what they were given, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Dialect, LargeBinary, Text, TypeDecorator

SHORT = 128  # bytes that are not made shorter
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_MARK = "\ufdd0"  # no character: Unicode keeps it for internal use
_UNSTORABLE = re.compile(f"[\x00\ud800-\udfff{_MARK}]")
_MARKED = re.compile(f"{_MARK}([0-9a-f]{{4}})")


class Exact(TypeDecorator[str]):
    """Text that may hold what no database takes: zero characters, and the bytes of file names that are not UTF-8."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:  # noqa: ARG002
        """Escape what cannot be stored; a function of its own, with none around it, for all text goes through it."""
        return escaped

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None]:  # noqa: ARG002
        """Undo it."""
        return undone


def escaped(value: str | None) -> str | None:
    """Escape what cannot be stored in a text."""
    if value is None or (value.isascii() and "\x00" not in value):
        return value
    return _UNSTORABLE.sub(lambda match: f"{_MARK}{ord(match.group()):04x}", value)


def undone(value: str | None) -> str | None:
    """Give back what was escaped in a text."""
    if value is None or value.isascii():
        return value
    return _MARKED.sub(lambda match: chr(int(match.group(1), 16)), value)


class Json(TypeDecorator[Any]):
    """Any JSON value as ASCII text; unlike the databases' own types it keeps infinities, NaN and zero characters."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write as JSON."""
        return None if value is None else _ENCODER.encode(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:  # noqa: ARG002
        """Read the JSON."""
        return _read


def _read(value: str | None) -> Any:
    if value is None:
        return None
    try:
        return from_json(value)
    except ValueError:  # what is no Unicode, and what is deeply nested
        return json.loads(value)


def packed(text: str) -> bytes:
    """Compress a text, speed before size, as zlib does; a short one stays as it is, in one block of its format.

    Starting zlib takes longer than a few bytes less are worth.

    Source: Deutsch and Gailly, RFC 1950, section 2.2, and Deutsch, RFC 1951, section 3.2.4.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > SHORT:
        return zlib.compress(data, 1)
    length, inverted = (n.to_bytes(2, "little") for n in (len(data), len(data) ^ 0xFFFF))
    return b"\x78\x01\x01" + length + inverted + data + zlib.adler32(data).to_bytes(4, "big")


class Packed(TypeDecorator[str]):
    """Long text, compressed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Compress, unless that was done already."""
        return packed(value) if isinstance(value, str) else value

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Decompress."""
        return None if value is None else zlib.decompress(value).decode("utf-8", "surrogatepass")
