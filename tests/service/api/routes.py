"""Every route of the application, found where the application finds them, so that a new one is tested as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.routing import APIRoute

from slotforge.service.api.access import SAFE
from slotforge.service.api.app import PAGES, ROUTES, routers

PUBLIC = {
    "GET /favicon.ico",
    "GET /health",
    "GET /ready",
    "GET /login",
    "POST /login",
    "POST /logout",
    "GET /static/{name:path}",
}
VALUES = {"number": "1", "wish": "pause", "kind": "plugin"}


@dataclass(frozen=True, order=True)
class Endpoint:
    """A route with one of its methods."""

    path: str
    method: str

    @property
    def url(self) -> str:
        """A path of it, to things that are not there."""
        parts = self.path.split("/")
        return "/".join(VALUES.get(_name(part), "0123456789abcdef") if part.startswith("{") else part for part in parts)

    @property
    def safe(self) -> bool:
        return self.method in SAFE

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _name(part: str) -> str:
    return part.strip("{}").partition(":")[0]


def endpoints(*packages: str) -> Iterator[Endpoint]:
    """Yield the endpoints of the API, of the pages, or of both."""
    for package in packages or (ROUTES, PAGES):
        for router in routers(package):
            for route in router.routes:
                assert isinstance(route, APIRoute)
                yield from (Endpoint(route.path, method) for method in sorted(route.methods))


API = [one for one in endpoints(ROUTES) if str(one) not in PUBLIC]
SITE = [one for one in endpoints(PAGES) if str(one) not in PUBLIC]
