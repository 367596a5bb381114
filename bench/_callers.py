"""Who asks the service under load: people with a key each, by which they may read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from slotforge.lineage.keys import Scope, add_key
from slotforge.lineage.store import SqlStore

DAYS = 1.0  # that a key is valid: the store may stay


def bearer(store: SqlStore, scopes: Sequence[Scope]) -> str:
    """Make a key, and return it as a request shows it."""
    return f"Bearer {add_key(store, f'bench-{secrets.token_hex(8)}', scopes, days=DAYS).secret}"


def signed_in(url: str, bearers: Iterable[str]) -> list[str]:
    """Sign in with keys at the pages, and return the cookies of the sessions as a request shows them."""
    import httpx

    cookies = []
    for one in bearers:
        answer = httpx.post(f"{url}/login", data={"key": one.removeprefix("Bearer ")})
        cookies.append("; ".join(f"{name}={value}" for name, value in answer.cookies.items()))
    return cookies
