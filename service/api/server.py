"""One process that serves the API and the pages, and works off the queue beside it."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.lineage.store import open_store
from slotforge.service.api import streaming
from slotforge.service.api.context import Context
from slotforge.service.api.settings import Settings, is_loopback
from slotforge.service.api.warm import warm
from slotforge.service.jobs.queue import Queue
from slotforge.service.jobs.supervisor import Supervisor, cores

COLLECTED = (20_000, 20, 100)  # see `gc.set_threshold`
GRACE_S = 3  # for answers under way, at shutdown
BACKLOG = 2048
OVERDUE_S = 60.0  # after so long without a look at them jobs are not looked after; one may wait 30 s for a lock
log = logging.getLogger("slotforge.service")


class Server(uvicorn.Server):
    """Ends at SIGINT and SIGTERM as at an order, not as at a failure; a second one does not wait for answers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals for as long as it serves."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self.handle_exit) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, which have no end of their own, and wait for the other answers."""
        streaming.close_all()
        await super().shutdown(sockets)


@dataclass
class Worker:
    """The supervisor of jobs in a thread."""

    supervisor: Supervisor
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="slotforge-jobs", daemon=True)

    @property
    def trouble(self) -> str:
        """Why jobs are not looked after; empty where they are."""
        if not self._thread.is_alive():
            return "the supervisor of jobs has stopped: start the service again"
        if (silent := time.monotonic() - self.supervisor.looked) > OVERDUE_S:
            return f"jobs were last looked after {silent:.0f} s ago: see the log of this server"
        return ""

    def __enter__(self) -> Worker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self.supervisor.run(self._stop)
        except Exception:
            log.exception("the supervisor of jobs has stopped")


def check_access(settings: Settings, *, keys: bool) -> None:
    """Refuse to serve other machines, directly or behind a proxy, where nobody needs a key."""
    if not (settings.loopback or keys):
        names = (settings.host, *settings.names)
        name = next((one for one in names if not is_loopback(one)), "a service behind a proxy")
        raise UsageError(
            f"{name} can be reached from other machines, and there is no key: make one with "
            "`slotforge keys add NAME --scopes read,run,admin`, or listen on 127.0.0.1 without allowed_hosts, "
            "public_url and trusted_proxies"
        )


def listen(settings: Settings) -> socket.socket:
    """Take the port; raises SlotforgeError where that cannot be."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UsageError(f"no address of this machine is called '{settings.host}': {error.strerror}") from None
    taken = socket.socket(family, kind, number)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        where = f"{settings.host}:{settings.port}"
        raise SlotforgeError(f"cannot listen on {where} ({error.strerror}): choose another --port") from None
    return taken


def url(settings: Settings, taken: socket.socket) -> str:
    """Return where the pages are."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{taken.getsockname()[1]}"


def configured(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Say how an application is served: who asks, and whether by https, only trusted proxies may tell."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )


def serve(app: FastAPI, taken: socket.socket, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, and work off the queue meanwhile.

    Args:
        started: is called once requests are answered.
    """
    context: Context = app.state.context
    settings = context.settings
    server = Server(configured(app, settings))
    where = context.store.url.render_as_string(hide_password=False)
    # of its own: what it writes all the time is to be seen as late as what other servers write
    with (
        open_store(where) as store,
        Worker(Supervisor(Queue(store, settings.lease_s), settings.cpus or cores())) as worker,
    ):
        app.state.supervisor = worker
        warm(context.store)
        _settle()
        started()
        server.run(sockets=[taken])


def _settle() -> None:
    """Let the collector of garbage pass over what stays until the end, and look for cycles less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)
