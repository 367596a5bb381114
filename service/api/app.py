"""The application: every route of `routes/`, every page of `web/pages/`."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from slotforge import __version__
from slotforge.core import registry
from slotforge.lineage.engine import CONNECTIONS
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api import problems
from slotforge.service.api.answers import Json
from slotforge.service.api.context import Context
from slotforge.service.api.gate.bodies import Bodies
from slotforge.service.api.gate.callers import Callers, Rates
from slotforge.service.api.gate.deeds import Deeds
from slotforge.service.api.gate.doors import Doors
from slotforge.service.api.gate.etags import Etags
from slotforge.service.api.gate.headers import SecurityHeaders
from slotforge.service.api.gate.heads import Heads
from slotforge.service.api.gate.hosts import Hosts
from slotforge.service.api.gate.recent import Recent
from slotforge.service.api.gate.repeats import Repeats
from slotforge.service.api.gate.trail import Trail
from slotforge.service.api.keyring import Keyring
from slotforge.service.api.logouts import Logouts
from slotforge.service.api.metrics import Metrics
from slotforge.service.api.openapi import document
from slotforge.service.api.sessions import Sessions, secret
from slotforge.service.api.settings import Settings
from slotforge.service.instances.vault import Vault
from slotforge.service.jobs.queue import Queue

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
        to_thread.current_default_thread_limiter().total_tokens = CONNECTIONS
        yield
        if store is None:
            context.store.close()

    app = FastAPI(
        title="slotforge",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=whole().routes,
    )
    app.state.context = context
    problems.install(app)
    guarded = [route for package in (ROUTES, PAGES) for route in routes(package)]
    guard(app, context, guarded)
    app.openapi = partial(document, app, guarded)  # type: ignore[method-assign]
    return app


def guard(app: FastAPI, context: Context, routes: Sequence[APIRoute]) -> None:
    """Put the gate before an application; what is added last sees a request first."""
    settings, store = context.settings, context.store
    keyring, metrics = Keyring(store, settings.token_file), Metrics(store)
    sessions = Sessions(keyring, Logouts(store), secret(settings.secret_file))
    app.state.refused = Rates(rate=1 / 60, burst=20)  # refusals that the audit keeps, of each key and address
    app.state.keyring, app.state.metrics, app.state.sessions = keyring, metrics, sessions
    app.add_middleware(Recent, store=store)
    app.add_middleware(Etags)
    app.add_middleware(Heads)
    app.add_middleware(Deeds, store=store, refusals=app.state.refused)
    app.add_middleware(Repeats, store=store)
    app.add_middleware(Bodies, settings=settings)
    app.add_middleware(Doors, store=store, refusals=app.state.refused, routes=routes)
    app.add_middleware(Callers, settings=settings, keyring=keyring, sessions=sessions)
    app.add_middleware(Hosts, settings=settings)
    app.add_middleware(SecurityHeaders, https=settings.https)
    app.add_middleware(Trail, metrics=metrics, settings=settings)


def open_context(settings: Settings, store: SqlStore | None = None) -> Context:
    """Open the parts of the service."""
    opened = store or open_store(settings.store)
    queue, vault = Queue(opened, most_queued=settings.queued), Vault(opened, settings.instances)
    return Context(store=opened, queue=queue, vault=vault, settings=settings)


@cache
def whole() -> APIRouter:
    """Put all routers together, once for all applications of a process: to work out what a route takes is slow."""
    made = APIRouter(default_response_class=Json)
    for router in routers(ROUTES):
        made.include_router(router, responses=problems.documented(401, 403, 422))
    for router in routers(PAGES):
        made.include_router(router, include_in_schema=False)
    return made


def routes(package: str) -> Iterator[APIRoute]:
    """Yield the routes of each file of a folder."""
    for router in routers(package):
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def routers(package: str) -> Iterator[APIRouter]:
    """Yield the router of each file of a folder, in the order of their names."""
    parent = package.rpartition(".")[0]
    if importlib.util.find_spec(parent) and importlib.util.find_spec(package):
        for name in registry.names(package):
            yield registry.load(package, name).router
