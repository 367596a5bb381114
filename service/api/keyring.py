"""The keys that are known, remembered for a moment so that not every request asks the database."""

from __future__ import annotations

import hmac
import stat
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from slotforge.core.errors import UsageError
from slotforge.lineage.keys import PREFIX, SCOPES, KeyRecord, any_keys, digest, digest_of, recognise
from slotforge.lineage.store import SqlStore

REMEMBERED_S = 1.0  # also how long another server may let in a key that was revoked
MOST = 4096
SHORTEST = 32  # characters of the key in a file
T = TypeVar("T")
Known = tuple[KeyRecord, str]


class NotRemembered(LookupError):
    """The database must be asked."""


class Keyring:
    """Finds keys by their secret or their name; a key comes with its digest.

    With `ask=False` only what is remembered is told, at once; where that is nothing, NotRemembered is raised.
    """

    def __init__(self, store: SqlStore, token_file: Path | None = None) -> None:
        """Read the key in a file, if one is named; it has all scopes and the name "token"."""
        self._store = store
        self._token = None if token_file is None else read_token(token_file)
        self._found: OrderedDict[tuple[str, str], tuple[float, Known | None]] = OrderedDict()
        self._needed, self._asked = self._token is not None, -REMEMBERED_S

    def needed(self, *, ask: bool = True) -> bool:
        """Whether nobody is let in without a key: there is one, or was."""
        if not self._needed and time.monotonic() - self._asked > REMEMBERED_S:
            if not ask:
                raise NotRemembered
            self._needed = any_keys(self._store)
            self._asked = time.monotonic()
        return self._needed

    def by_secret(self, secret: str, *, ask: bool = True) -> Known | None:
        """Return the valid key of a secret."""
        wanted = digest(secret)
        if self._token and hmac.compare_digest(self._token[1], wanted):
            return self._token
        if not secret.startswith(PREFIX):
            return None
        return self._valid(("secret", wanted), lambda: recognise(self._store, secret), ask)

    def by_name(self, name: str, *, ask: bool = True) -> Known | None:
        """Return the valid key of a name."""
        if self._token and name == self._token[0].name:
            return self._token
        return self._valid(("name", name), lambda: digest_of(self._store, name), ask)

    def forget(self) -> None:
        """Ask the database about every key again: one was changed."""
        self._found.clear()
        self._asked = -REMEMBERED_S

    def _valid(self, about: tuple[str, str], look: Callable[[], Known | None], ask: bool) -> Known | None:
        at, known = self._found.get(about, (-REMEMBERED_S, None))
        if time.monotonic() - at > REMEMBERED_S:
            if not ask:
                raise NotRemembered
            known = look()
            self._found[about] = time.monotonic(), known
            while len(self._found) > MOST:
                self._found.popitem(last=False)
        return known if known and known[0].valid(time.time()) else None


def read_token(path: Path) -> Known:
    """Read the key in a file; raises UsageError where there is none that is good."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
        others = stat.S_IMODE(path.stat().st_mode) & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token file {path} cannot be read: {error}") from None
    if others:
        raise UsageError(f"the token file {path} may be read or written by others: chmod 600 {path}")
    if len(secret) < SHORTEST or not (secret.isascii() and secret.isprintable()) or " " in secret:
        advice = f"openssl rand -hex 32 > {path}"
        raise UsageError(f"the token file {path} must hold one key of {SHORTEST} characters or more: {advice}")
    record = KeyRecord(name="token", scopes=SCOPES, created=datetime.fromtimestamp(0, UTC))
    return record, digest(secret)
