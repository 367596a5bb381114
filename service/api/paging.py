"""Pages of long lists: keyset cursors, which stay right while rows are added."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request

from slotforge.core.types import Record
from slotforge.service.api.problems import Refusal
from slotforge.service.api.sessions import sessions_of

MOST = 200
CHECK = 16  # bytes
LARGEST = 2**63
STALE = "cursor: not one of this list: begin without it, and leave the other parameters as they were"

Key = tuple[str | int | float | None, ...]
T = TypeVar("T")


class Page(Record, Generic[T]):
    """Some items of a list. next: the `cursor` of those after them; None is the end."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class Paging:
    """What part of a list is asked for. seal: a secret of the service for cursors of this list alone."""

    limit: int
    seal: bytes
    after_key: Key | None = None

    def after(self, *kinds: type) -> Any:
        """Return the key of the last item of the page before, or None at the beginning.

        Args:
            kinds: of its values, in order; an int is taken for a float, and None for any.
        """
        key = self.after_key
        if key is not None and not (len(key) == len(kinds) and all(map(_fits, key, kinds))):
            raise Refusal(422, STALE)
        return key

    def cursor(self, key: Key | None) -> str | None:
        """Return the cursor of what comes after a key; None where the list ends."""
        return None if key is None else _write(self.seal, key)

    def rest(self, found: Sequence[T], key: Callable[[T], tuple[Any, ...]], *kinds: type) -> Page[T]:
        """Make the page out of all items there are, sorted by the key; `key` and `kinds` as for `page` and `after`."""
        after = self.after(*kinds)
        return self.page([one for one in found if after is None or key(one) > tuple(after)], key)

    def page(self, found: Sequence[T], key: Callable[[T], Key]) -> Page[T]:
        """Make the page out of up to `limit + 1` items that come after `after`, the one too many says there is more.

        Args:
            key: what the list is sorted by, unique: the values that `after` gives back.
        """
        items = tuple(found[: self.limit])
        more = len(found) > self.limit
        return Page(items=items, next=_write(self.seal, key(items[-1])) if more else None)


async def paged(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many items at most.")] = 50,
    cursor: Annotated[str | None, Query(max_length=2048, description="`next` of the page before.")] = None,
) -> Paging:
    """Read which part of a list is asked for; a dependency."""
    filters = sorted((name, value) for name, value in request.query_params.multi_items() if name not in PAGING)
    seal = sessions_of(request).seal("cursor", json.dumps([request.url.path, filters]))
    return Paging(limit=limit, seal=seal, after_key=None if cursor is None else _read(seal, cursor))


PAGING = ("limit", "cursor")


def _write(seal: bytes, key: Key) -> str:
    text = json.dumps(list(key), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(seal, text) + text).decode().rstrip("=")


def _read(seal: bytes, cursor: str) -> Key:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, text = raw[:CHECK], raw[CHECK:]
        if not hmac.compare_digest(check, _check(seal, text)):
            raise ValueError(cursor)
        key = tuple(json.loads(text))
        if not all(map(_storable, key)) or _write(seal, key) != cursor:
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Refusal(422, STALE) from None
    return key


def _check(seal: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=seal, digest_size=CHECK).digest()


def _storable(value: object) -> bool:
    """Whether a database can compare its values with this one."""
    return value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < LARGEST)


def _fits(value: object, kind: type) -> bool:
    return value is None or (isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool))
