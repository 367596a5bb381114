"""What the service is told by its administrator: flags, environment and a TOML file, never by a request."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from slotforge.core.types import Record
from slotforge.lineage.leases import SECONDS
from slotforge.service.instances.limits import Limits
from slotforge.service.jobs.queue import MOST_QUEUED
from slotforge.service.jobs.supervisor import cores

ExecutorName = Literal["process", "ray"]
MOST_WORKERS = 256
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _network(text: str) -> str:
    """Check an address or a network such as 10.0.0.0/8; raises ValueError where it is none."""
    return str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))


class Model(Record):
    """A chat model that users may ask for by its name.

    spec: as --model takes it, such as "openai:gpt-5".
    base_url: of its server, unless that is the usual one.
    usd: that a run with it may cost at most; None is no limit. What tokens cost is told by prices.toml.
    """

    spec: str = Field(pattern=r"^[a-z_]+:[^,\s]{1,120}$")
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$")
    usd: float | None = Field(default=None, ge=0)


class Settings(Record):
    """How the service runs.

    store: a path or a URL; None is the user's own.
    allowed_hosts: names by which browsers may call it, besides `host` and those of the loopback.
    public_url: by which browsers reach it through a proxy; with https, cookies and pages go no other way.
    trusted_proxies: addresses and networks of proxies, whose word is taken for who asks and whether by https.
    token_file: a file that holds a key with all scopes, for a first start without any.
    secret_file: of the secret that sessions and cursors are signed with; servers that share their users share it.
    cpus: that its jobs may use at once; None is all.
    lease_s: after which other servers take over the jobs of this one, where it is silent.
    executor: where searches and confirmations measure: "process", on its machine, or "ray".
    models: that users may name, besides "offline" and "replay:RUN".
    body_bytes, upload_bytes: the longest bodies, of JSON and of uploads.
    requests_per_s, burst: of one caller.
    uploads: that may come in at once.
    queued: jobs of one owner that may wait, those that are paused among them.
    streams, caller_streams: that may be open at once, of all and of one key.
    instances: how large an uploaded file may be, once it is decompressed.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)
    store: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$")
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    token_file: Path | None = None
    secret_file: Path | None = None
    cpus: int | None = Field(default=None, ge=1)
    lease_s: float = Field(default=SECONDS, ge=1)
    executor: ExecutorName = "process"
    models: tuple[Model, ...] = ()
    body_bytes: int = Field(default=1 << 20, ge=1)
    upload_bytes: int = Field(default=256 << 20, ge=1)
    requests_per_s: float = Field(default=100, gt=0)
    burst: int = Field(default=400, ge=1)
    uploads: int = Field(default=8, ge=1)
    queued: int = Field(default=MOST_QUEUED, ge=1)
    streams: int = Field(default=500, ge=1)
    caller_streams: int = Field(default=50, ge=1)
    instances: Limits = Limits()

    @property
    def most_workers(self) -> int:
        """How many workers a job may have: those of Ray need none of the server's own CPUs."""
        return MOST_WORKERS if self.executor == "ray" else min(MOST_WORKERS, self.cpus or cores())

    @property
    def usual_workers(self) -> int:
        """How many workers a job has that asks for no number of them."""
        return min(2, self.most_workers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which it may be called, besides those of the loopback."""
        public = () if self.public_url is None else (urlsplit(self.public_url).hostname or "",)
        return (*self.allowed_hosts, *public)

    @property
    def https(self) -> bool:
        """Whether browsers reach it by https alone."""
        return (self.public_url or "").startswith("https:")

    @property
    def proxied(self) -> bool:
        """Whether it stands behind a proxy, so that nobody can be told from who is on this machine."""
        return bool(self.public_url or self.trusted_proxies)

    @property
    def loopback(self) -> bool:
        """Whether it is for this machine alone: it listens to no other, and has no proxy and no name of one."""
        return not self.proxied and all(map(is_loopback, (self.host, *self.names)))


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Whether a name or an address is that of this machine for itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
