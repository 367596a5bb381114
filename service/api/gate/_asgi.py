"""What several parts of the gate read of a request."""

from __future__ import annotations

from starlette.types import Scope


def one(scope: Scope, name: bytes) -> str | None:
    """Return the value of a header that may stand once: None where it is missing, "" where it stands more often."""
    found = [value for header, value in scope["headers"] if header == name]
    if not found:
        return None
    return str(found[0].decode("latin-1")) if len(found) == 1 else ""
