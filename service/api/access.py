"""Who calls, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a key allows; each includes those before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request. name: of their key, or "local" where none is needed."""

    name: str
    scopes: frozenset[Scope]


LOCAL = Caller(name="local", scopes=frozenset(Scope))


def reader() -> Caller:
    """Let in who may read; a dependency."""
    return LOCAL


def runner() -> Caller:
    """Let in who may start and stop runs; a dependency."""
    return LOCAL


def admin() -> Caller:
    """Let in who may manage keys; a dependency."""
    return LOCAL
