"""Sessions of browsers: a signed cookie in place of a key, and tokens that forms of other sites cannot know."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from fastapi import Request, Response

from slotforge.core.errors import StoreError
from slotforge.core.home import home
from slotforge.lineage.keys import KeyRecord
from slotforge.service.api.keyring import Keyring, Known
from slotforge.service.api.logouts import Logouts
from slotforge.service.api.problems import Refusal

COOKIE = "slotforge_session"
FIELD, HEADER = "csrf_token", "x-csrf-token"
LASTS_S = 12 * 3600
SECRET_BYTES = 32


class Sessions:
    """Signs sessions with a secret of the service; a session ends with its key, or by a logout."""

    def __init__(self, keyring: Keyring, logouts: Logouts, secret: bytes) -> None:
        self._keyring, self._logouts, self._secret = keyring, logouts, secret

    def begin(self, response: Response, key: str, *, secure: bool) -> KeyRecord:
        """Log in: set the cookie of a key, which is sent back to this site alone and is out of reach of scripts.

        Args:
            secure: whether the page came by HTTPS, so that the cookie may never go another way.
        """
        known = self._keyring.by_secret(key.strip())
        if known is None:
            raise Refusal(401, "this key is unknown, expired or revoked: `slotforge keys add NAME` makes one")
        text = f"{known[0].name}:{int(time.time()) + LASTS_S}:{secrets.token_urlsafe(16)}"
        value = f"{text}:{self._sign(known[1], text)}"
        response.set_cookie(COOKIE, value, max_age=LASTS_S, httponly=True, samesite="strict", secure=secure)
        return known[0]

    def end(self, response: Response, cookie: str | None) -> None:
        """Log out: let the cookie be worth nothing, wherever it may be kept, and let the browser forget it."""
        if cookie and self.key(cookie):
            name, _, nonce, _ = cookie.split(":")
            self._logouts.end((name, nonce))
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    def key(self, cookie: str, *, ask: bool = True) -> KeyRecord | None:
        """Return the key that a cookie stands for, if both are valid; see `Keyring` for `ask`."""
        parts = cookie.split(":")
        if len(parts) != 4 or not cookie.isascii() or not parts[1].isdecimal() or len(parts[1]) > 12:
            return None
        name, expires, nonce, signature = parts
        known: Known | None = self._keyring.by_name(name, ask=ask)
        if known is None or int(expires) < time.time():
            return None
        ours = self._sign(known[1], f"{name}:{expires}:{nonce}")
        if not hmac.compare_digest(ours, signature) or self._logouts.ended((name, nonce), ask=ask):
            return None
        return known[0]

    def token(self, cookie: str | None) -> str:
        """Return what a form must send back in its field `csrf_token`, or a script in the header X-CSRF-Token."""
        return self._sign("csrf", cookie or "local")

    def genuine(self, cookie: str | None, token: str) -> bool:
        """Whether a token is that of a session."""
        return hmac.compare_digest(self.token(cookie).encode(), token.encode("utf-8", "surrogatepass"))

    def seal(self, salt: str, text: str) -> bytes:
        """Derive a secret from that of the service, for one purpose and one text."""
        return hmac.new(self._secret, f"{salt}\n{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _sign(self, salt: str, text: str) -> str:
        return self.seal(salt, text).hex()


def sessions_of(request: Request) -> Sessions:
    """Return the sessions of the application that a request came to; a dependency."""
    found: Sessions = request.app.state.sessions
    return found


def csrf_token(request: Request) -> str:
    """Return the token for the forms of the page that answers a request."""
    return sessions_of(request).token(request.cookies.get(COOKIE))


def secret(path: Path | None) -> bytes:
    """Read the secret that sessions are signed with, and make it where there is none.

    Args:
        path: of its file; servers that share their users share it. None is service.secret in the user's own folder.
    """
    path = secret_place(path)
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise StoreError(f"cannot make {path} ({error.strerror}): name another place with secret_file") from error
    return read_secret(path)


def secret_place(path: Path | None) -> Path:
    """Return the file of the secret."""
    return path or home() / "service.secret"


def read_secret(path: Path) -> bytes:
    """Read the secret in a file; raises StoreError where there is none."""
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise StoreError(f"cannot read {path} ({error.strerror})") from error
    if len(found) < SECRET_BYTES:
        raise StoreError(f"{path} holds no secret: remove it, and it is made anew")
    return found


def _make(path: Path) -> None:
    """Make the file of a secret, whole at once; of two servers that begin together, the first one's counts."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as draft:
        draft.write(secrets.token_hex(SECRET_BYTES).encode())
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, path)
