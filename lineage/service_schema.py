"""The tables of the service: the queue of runs, what users upload, keys, and who did what."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from slotforge.lineage.columns import Json
from slotforge.lineage.schema import Base


class Job(Base):
    """A long task that a server is to do.

    kind: "search", whose id is that of its run, which is opened when the job is first taken; or "confirm".
    owner: the name of the key that asked for it.
    state: "queued", "running", "paused", or as it ended: "finished", "cancelled", "failed".
    wish: what its holder is asked to do, "pause" or "cancel", or "".
    holder, lease_until: who drives it, and until when (seconds since 1970, by the database's clock) nobody else may.
    fence: grows whenever the job is taken; who holds an older one may write no more.
    result: of a confirmation, once it has finished; a search has its report in its run.
    cpus, usd: what it may use at most, counted against its owner's limits.
    """

    __tablename__ = "job"
    __table_args__ = (Index(None, "state", "priority", "created"), Index(None, "owner", "state"))
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    owner: Mapped[str]
    priority: Mapped[int] = mapped_column(Integer)
    config: Mapped[Any] = mapped_column(Json)
    state: Mapped[str]
    wish: Mapped[str]
    holder: Mapped[str | None]
    lease_until: Mapped[float | None]
    fence: Mapped[int]
    attempts: Mapped[int] = mapped_column(Integer)
    cpus: Mapped[int] = mapped_column(Integer)
    usd: Mapped[float | None]
    why: Mapped[str]
    result: Mapped[Any | None] = mapped_column(Json)
    created: Mapped[float]
    changed: Mapped[float]


class Server(Base):
    """A process of the service, and when it was last seen."""

    __tablename__ = "server"
    id: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[Any] = mapped_column(Json)
    started: Mapped[float]
    seen: Mapped[float]


class Request(Base):
    """What was answered to a request that may be sent again, by its idempotency key."""

    __tablename__ = "request"
    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    answer: Mapped[Any] = mapped_column(Json)
    at: Mapped[float]


class Blob(Base):
    """An uploaded instance, named by the SHA-256 of its plain content; its bytes, compressed, are in blob_part.

    Or an export, as "artefact:ID"; its bytes are there as they are.

    name: as the uploader called it; for people only.
    size: of the plain content, in bytes.
    facts: what the format says of itself, such as variables and clauses.
    at: when it was uploaded last.
    """

    __tablename__ = "blob"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str]
    size: Mapped[int]
    facts: Mapped[Any] = mapped_column(Json)
    at: Mapped[float]


class BlobPart(Base):
    """A piece of a blob."""

    __tablename__ = "blob_part"
    blob: Mapped[str] = mapped_column(ForeignKey("blob.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class NamedSuite(Base):
    """A set of uploaded instances under a name, `suite:NAME` where instances are named."""

    __tablename__ = "named_suite"
    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    at: Mapped[float]


class NamedSuiteItem(Base):
    """An instance of a named suite."""

    __tablename__ = "named_suite_item"
    suite: Mapped[str] = mapped_column(ForeignKey("named_suite.name"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    blob: Mapped[str] = mapped_column(ForeignKey("blob.id"), index=True)


class ApiKey(Base):
    """A named key of the API: its SHA-256, what it may do, and how much its owner may use at once.

    scopes: of "read", "run", "admin".
    runs, cpus: of jobs that run at the same time; usd: in a calendar month; bytes: of uploads; None is no limit.
    """

    __tablename__ = "api_key"
    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[Any] = mapped_column(Json)
    runs: Mapped[int | None] = mapped_column(Integer)
    cpus: Mapped[int | None] = mapped_column(Integer)
    usd: Mapped[float | None]
    bytes: Mapped[int | None]
    created: Mapped[float]
    expires: Mapped[float | None]
    revoked: Mapped[bool]


class Audit(Base):
    """Something that somebody did through the service. target: an id or a name; facts hold no secrets."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    facts: Mapped[Any] = mapped_column(Json)
