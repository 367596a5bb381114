"""The real application behind a real server on the loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from slotforge.lineage.store import open_store
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.client import Client

from ..conftest import Found

Serving = Callable[..., str]


@contextmanager
def listening(app: object) -> Iterator[str]:
    """Serve an application on a free port of the loopback; the answer is its URL."""
    taken = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        taken.close()


@pytest.fixture(scope="module")
def store(found: Found, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of a store with a run that the tests of a module share."""
    path = tmp_path_factory.mktemp("remote") / "store.db"
    path.write_bytes(found.store.read_bytes())
    return path


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[str]:
    """Serve that store without keys, as on a machine of one's own; the answer is its URL."""
    settings = Settings(store=str(store), secret_file=store.with_name("secret"))
    with open_store(store) as opened, listening(make_app(settings, opened)) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """Return a client of that server."""
    with Client(server) as made:
        yield made
