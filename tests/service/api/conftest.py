"""The application over a copy of a store that holds a run, called in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from slotforge.lineage import keys
from slotforge.lineage.keys import Scope
from slotforge.lineage.restore import restore
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings

from ..conftest import Found

BASE = "http://localhost:8420"
PROBLEM = "application/problem+json"
OWN_PAGE = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """An application, and how to call it."""

    app: FastAPI
    store: SqlStore
    client: TestClient

    def key(self, name: str, *scopes: Scope, **more: Any) -> dict[str, str]:
        """Make a key, and return the header that shows it."""
        secret = keys.add_key(self.store, name, scopes or ("read",), **more).secret
        self.app.state.keyring.forget()
        return {"Authorization": f"Bearer {secret}"}


Make = Callable[..., Site]


@pytest.fixture
def make(copied: Found) -> Iterator[Make]:
    """Make an application with some settings over a store of its own."""
    with ExitStack() as last:

        def made(where: str | Path = copied.store, **settings: Any) -> Site:
            store = last.enter_context(open_store(where))
            app = make_app(Settings(store=str(where), **settings), store)
            return Site(app, store, last.enter_context(TestClient(app, base_url=BASE, follow_redirects=False)))

        yield made


@pytest.fixture
def site(make: Make) -> Site:
    """Return an application with the usual settings, on a loopback without keys."""
    return make()


@pytest.fixture(scope="module")
def module_site(found: Found, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return an application that the tests of a module share; its client shows the key of an administrator."""
    folder = tmp_path_factory.mktemp("shared")
    with shared(found, str(folder / "store.db"), folder / "secret") as site:
        yield site


@contextmanager
def shared(found: Found, where: str, secret: Path) -> Iterator[Site]:
    """Copy the store to where there is none yet, and serve it to an administrator."""
    restore(found.store, where)
    settings = Settings(store=where, secret_file=secret, burst=10**6)
    with open_store(where) as store:
        app = make_app(settings, store)
        with TestClient(app, base_url=BASE, follow_redirects=False) as client:
            site = Site(app, store, client)
            client.headers.update(site.key("root", "admin"))
            yield site


@pytest.fixture(scope="module")
def ids(module_site: Site) -> dict[str, str]:
    """Name things that are there, so that a request gets further than to the first id."""
    client = module_site.client
    run = client.get("/v1/runs").json()["items"][0]["id"]
    details = client.get(f"/v1/runs/{run}/trials").json()["items"]
    candidate = next(one["candidate"] for one in details if one["candidate"])
    return {"run": run, "candidate": candidate, "other": candidate, "number": "0", "kind": "plugin", "name": "x"}
