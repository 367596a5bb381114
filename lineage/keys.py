"""Keys of the API: who may call it, and how much of it they may use."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Connection, RowMapping, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import Conflict, UnknownId, UsageError
from slotforge.core.types import Record
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.records import moment
from slotforge.lineage.service_schema import ApiKey
from slotforge.lineage.store import SqlStore

Scope = Literal["read", "run", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "run", "admin")
PREFIX = "sf_"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RESERVED = ("local", "token")
DAY_S = 86_400.0
MOST_DAYS = 36_500.0


class KeyRecord(Record):
    """A key, without its secret. expires: when it stops to be valid; None is never."""

    name: str
    scopes: tuple[Scope, ...]
    limits: Allowance = Allowance()
    created: datetime
    expires: datetime | None = None
    revoked: bool = False

    def valid(self, now: float) -> bool:
        """Whether it lets anybody in at a moment, in seconds since 1970."""
        return not self.revoked and (self.expires is None or now < self.expires.timestamp())


class NewKey(Record):
    """A key as it is told once. secret: only its SHA-256 is kept."""

    key: KeyRecord
    secret: str = Field(repr=False)


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add_key(
    store: SqlStore,
    name: str,
    scopes: Sequence[Scope],
    *,
    limits: Allowance | None = None,
    days: float | None = None,
) -> NewKey:
    """Make a key.

    Args:
        days: that it is valid, more than 0 and at most MOST_DAYS; None is for ever.

    Raises:
        UsageError: the name is none, or the days are none.
        Conflict: the name is taken; also that of a revoked key, for records name their owners.
    """
    if not NAME.fullmatch(name) or name in RESERVED:
        rule = "write up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
        raise UsageError(f"'{name}' is no name for a key: {rule}; {' and '.join(RESERVED)} are taken")
    if days is not None and not 0 < days <= MOST_DAYS:
        raise UsageError(f"a key cannot be valid for {days:g} days: more than 0, and at most {MOST_DAYS:g}")
    limits, secret, now = limits or Allowance(), PREFIX + secrets.token_urlsafe(32), time.time()
    values = {
        "name": name,
        "digest": digest(secret),
        "scopes": [scope for scope in SCOPES if scope in scopes],
        **limits.model_dump(),
        "created": now,
        "expires": None if days is None else now + days * DAY_S,
        "revoked": False,
    }
    with store.writing() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = dialect.insert(ApiKey).values(values).on_conflict_do_nothing().returning(ApiKey.name)
        if connection.scalar(new) is None:
            raise Conflict(f"there is a key '{name}' already: choose another name")
    return NewKey(key=_record(values), secret=secret)


def keys(store: SqlStore, *, limit: int | None = None, after: str | None = None) -> tuple[KeyRecord, ...]:
    """List the keys by name, up to `limit` of those after a name."""
    query = select(ApiKey.__table__).order_by(ApiKey.name).limit(limit)
    with store.reading() as connection:
        found = connection.execute(query if after is None else query.where(ApiKey.name > after)).mappings()
        return tuple(_record(row) for row in found)


def key(store: SqlStore, name: str) -> KeyRecord:
    """Return a key by its name; raises UnknownId when there is none."""
    with store.reading() as connection:
        row = connection.execute(select(ApiKey.__table__).where(ApiKey.name == name)).mappings().one_or_none()
    if row is None:
        raise no_key(name)
    return _record(row)


def any_keys(store: SqlStore) -> bool:
    """Whether a key was ever made; from then on nobody is let in without one."""
    with store.reading() as connection:
        return bool(connection.scalar(select(exists(select(ApiKey.name)))))


def revoke(store: SqlStore, name: str, *, spare_last_admin: bool = False) -> KeyRecord:
    """Let a key be valid no longer.

    Args:
        spare_last_admin: leave the last valid key with the scope "admin".

    Raises:
        UnknownId: there is none of this name.
        Conflict: it is the last one, and was to be spared.
    """
    with store.writing() as connection:
        if spare_last_admin:
            _expect_another_admin(connection, name)
        done = connection.execute(update(ApiKey).where(ApiKey.name == name).values(revoked=True))
    if done.rowcount == 0:
        raise no_key(name)
    return key(store, name)


def _expect_another_admin(connection: Connection, name: str) -> None:
    """Refuse a key that is the last of an administrator; no key changes until the transaction ends."""
    rows = connection.execute(select(ApiKey.__table__).order_by(ApiKey.name).with_for_update()).mappings().all()
    now = time.time()
    if [key.name for key in map(_record, rows) if "admin" in key.scopes and key.valid(now)] == [name]:
        raise Conflict(
            f"'{name}' is the last key with the scope 'admin', and no administrator would be left: make another first, "
            "or revoke it with `slotforge keys revoke` on the machine of the store"
        )


def recognise(store: SqlStore, secret: str) -> tuple[KeyRecord, str] | None:
    """Find the key, valid or not, that a secret is of, with its digest."""
    wanted = digest(secret)
    with store.reading() as connection:
        row = connection.execute(select(ApiKey.__table__).where(ApiKey.digest == wanted)).mappings().one_or_none()
    if row is None or not hmac.compare_digest(row["digest"], wanted):
        return None
    return _record(row), wanted


def digest_of(store: SqlStore, name: str) -> tuple[KeyRecord, str] | None:
    """Return the key of a name with its digest, or None when there is none."""
    with store.reading() as connection:
        row = connection.execute(select(ApiKey.__table__).where(ApiKey.name == name)).mappings().one_or_none()
    return None if row is None else (_record(row), row["digest"])


def no_key(name: str) -> UnknownId:
    """Say that there is no key of a name."""
    return UnknownId(f"no key '{name}': `slotforge keys list` lists them")


def _record(row: RowMapping | dict[str, Any]) -> KeyRecord:
    expires = row["expires"]
    return KeyRecord(
        name=row["name"],
        scopes=tuple(row["scopes"]),
        limits=Allowance(**{name: row[name] for name in Allowance.model_fields}),
        created=moment(row["created"]),
        expires=None if expires is None else moment(expires),
        revoked=bool(row["revoked"]),
    )
