"""The application: every route of `routes/`, every page of `web/pages/`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from slotforge import __version__
from slotforge.core import registry
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api import problems
from slotforge.service.api.context import Context
from slotforge.service.api.settings import Settings

ROUTES = "slotforge.service.api.routes"
PAGES = "slotforge.service.web.pages"


def make_app(settings: Settings, store: SqlStore | None = None) -> FastAPI:
    """Make the application.

    Args:
        store: one that is open, and stays so; otherwise that of the settings is opened, and closed at shutdown.
    """
    context = open_context(settings, store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        yield
        if store is None:
            context.store.close()

    app = FastAPI(title="slotforge", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.context = context
    problems.install(app)
    for router in routers(ROUTES):
        app.include_router(router, responses=problems.documented(401, 403, 422, 429, 503))
    for router in routers(PAGES):
        app.include_router(router, include_in_schema=False)
    return app


def open_context(settings: Settings, store: SqlStore | None = None) -> Context:
    """Open the parts of the service."""
    opened = store or open_store(settings.store)
    return Context(
        store=opened,
        queue=_part("slotforge.service.jobs.queue", "Queue", opened),
        vault=_part("slotforge.service.instances.vault", "Vault", opened),
        settings=settings,
    )


def _part(module: str, name: str, store: SqlStore) -> Any:
    if importlib.util.find_spec(module.rpartition(".")[0]) and importlib.util.find_spec(module):
        return getattr(importlib.import_module(module), name)(store)
    return None


def routers(package: str) -> Iterator[APIRouter]:
    """Yield the router of each file of a folder, in the order of their names."""
    parent = package.rpartition(".")[0]
    if importlib.util.find_spec(parent) and importlib.util.find_spec(package):
        for name in registry.names(package):
            yield registry.load(package, name).router
