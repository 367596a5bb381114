"""A scan of every parameter and every form field of every page, where all else is sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from httpx import Response
from starlette.testclient import TestClient

from slotforge.core.types import Budget, Candidate, RunConfig, Suite, Trial
from slotforge.search import worker
from slotforge.service.api import app
from slotforge.service.api.access import SAFE
from slotforge.service.api.app import PAGES
from slotforge.service.api.sessions import FIELD

from ..web.markup import read
from .conftest import BASE, Site
from .scanning import PATTERNS, check, values

CONFIG = RunConfig(domain="sat", instances=("sgen:23",), budget=Budget(evals=5))
FORMULA = b"p cnf 2 2\n1 2 0\n-1 2 0\n"
KEY = "scanner"
CHOSEN = {"after", "against", "below", "confirmed", "cursor", "domain", "limit", "sort", "split", "state"}
"""Parameters that take numbers, words of a list or cursors."""
SOUND = {"families": "sgen:23", "next": "/", "strategy": "one_plus_lambda", "model": "offline"}
"""What is written into fields that a page leaves blank, or lets choose."""
FRESH = ("suite", "name")
"""Fields that name a suite that is to be made."""


@dataclass
class Form:
    """A form of a page, as a browser sends it when nothing is changed. fields: their values; files: the names."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """Finds the forms that a page sends."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = None
            if its.get("method") == "post":
                self._open = Form(its["action"])
                self.found.append(self._open)
        elif self._open is not None and tag in ("input", "button", "select", "textarea") and "name" in its:
            self._take(its)

    def _take(self, its: dict[str, str]) -> None:
        assert self._open is not None
        name = its["name"]
        if its.get("type") == "file":
            self._open.files.add(name)
        else:
            self._open.fields.setdefault(name, its.get("value", "") or SOUND.get(name, ""))


@dataclass(frozen=True)
class Scanned:
    """The pages behind a session, things that they show, and the forms on them, by their routes."""

    client: TestClient
    session: dict[str, str]
    ids: dict[str, str]
    forms: dict[str, Form]
    names: Iterator[int] = field(default_factory=count)

    def ask(self, route: APIRoute, kind: str, name: str, value: str) -> Response:
        """Send a request that is sound but for one parameter. kind: "path", "query", "field" or "file"."""
        method = "GET" if "GET" in route.methods else "POST"
        path = {name: value} if kind == "path" else {}
        query = {name: value} if kind == "query" else {}
        self.enter()
        if method == "GET":
            return self.client.get(filled(route, self.ids | path), params=query)
        form = self.forms[route.path]
        fields = {name: value} if kind == "field" else {}
        address = filled(route, self.ids | path) if path else form.action
        return self.send(form, fields, value if kind == "file" else "sound.cnf", address=address, query=query)

    def send(
        self, form: Form, fields: dict[str, str], file: str = "sound.cnf", *, address: str = "", query: Any = None
    ) -> Response:
        """Send a form, within the session where it is not the one that begins it; suites get new names."""
        fresh = {name: f"made-{next(self.names)}" for name in FRESH if name in form.fields}
        files = [(one, (file, FORMULA)) for one in sorted(form.files)] or None
        self.enter(anew=form.action == "/login")
        return self.client.post(
            address or form.action, params=query or None, data=form.fields | fresh | fields, files=files
        )

    def enter(self, *, anew: bool = False) -> None:
        """Be signed in, whatever was answered before; or be nobody yet."""
        self.client.cookies.clear()
        self.client.cookies.update({} if anew else self.session)


def filled(route: APIRoute, values: dict[str, str]) -> str:
    """Return the address of a route."""
    return re.sub(r"{(\w+)(:\w+)?}", lambda match: quote(values[match[1]], safe="%"), route.path)


def routes() -> list[APIRoute]:
    return [*app.routes(PAGES)]


def parameters(taken: Dependant) -> Iterator[tuple[str, str]]:
    """Yield the kinds and names of what a route takes by its signature, and by those of what it depends on."""
    for kind, found in (("path", taken.path_params), ("query", taken.query_params)):
        yield from ((kind, one.alias) for one in found)
    for inner in taken.dependencies:
        yield from parameters(inner)


@pytest.fixture(scope="module")
def scanned(module_site: Site, ids: dict[str, str]) -> Iterator[Scanned]:
    """Sign in as a browser does, before a service that has one of everything."""
    site, store = module_site, module_site.store
    run = store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {})
    made = Candidate(domain="sat", slots={"decay": worker.domain("sat").slots()["decay"].variants["EasySat"]})
    store.record(
        Trial(
            run=run, number=1, operator="mutate", slots=("decay",), parents=(), state="scored", ratio=0.9,
            instances=1, candidate=made,
        )
    )  # fmt: skip
    assert site.client.post("/v1/suites/kept", files={"files": ("a.cnf", FORMULA)}).status_code == 201
    instance = site.client.get("/v1/instances").json()["items"][0]["id"]
    job = site.app.state.context.queue.submit(CONFIG, owner=KEY)
    there = ids | {"job": job.id, "wish": "pause", "instance": instance, "name": "kept"}
    secret = site.key(KEY, "admin")["Authorization"].removeprefix("Bearer ")
    vault = site.app.state.context.vault
    with (
        pytest.MonkeyPatch.context() as patch,
        vault.reader() as reader,
        TestClient(
            site.app, base_url=BASE, follow_redirects=False, headers={"Origin": BASE}, raise_server_exceptions=False
        ) as client,
    ):
        patch.setattr(vault, "reader", lambda: nullcontext(reader))  # to start one takes longer than a request
        login = forms_of(client.get("/login"))[0]
        assert client.post(login.action, data={**login.fields, "key": secret}).status_code == 303
        pages = [filled(route, there) for route in routes() if "GET" in route.methods]
        found = [
            form for url in (*pages, f"/runs/{job.id}", f"/candidates/{made.id}") for form in forms_of(client.get(url))
        ]
        login.fields["key"] = secret
        forms = {
            route.path: form
            for form in (login, *found)
            for route in routes()
            if not route.methods & {*SAFE} and route.path_regex.match(urlsplit(form.action).path)
        }
        yield Scanned(client, dict(client.cookies), there, forms)


def forms_of(page: Response) -> list[Form]:
    parser = Forms()
    if page.headers.get("content-type", "").startswith("text/html"):
        parser.feed(page.text)
    return parser.found


def test_every_form_of_a_page_is_found(scanned: Scanned) -> None:
    assert {route.path for route in routes() if not route.methods & {*SAFE}} == {*scanned.forms}
    assert all(FIELD in form.fields for form in scanned.forms.values())


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_page_breaks_leaks_or_shows_what_it_was_sent_as_markup(scanned: Scanned, pattern: str) -> None:
    turn = count()
    for route in routes():
        form = None if route.methods & {*SAFE} else scanned.forms[route.path]
        sent = [("field", name) for name in form.fields] + [("file", name) for name in form.files] if form else []
        for kind, name in (*parameters(route.dependant), *sent):
            for value in values(pattern, next(turn), text=name not in (*CHOSEN, FIELD)):
                answer = scanned.ask(route, kind, name, value)
                check(f"{route.path} {kind} {name}", value, answer, known=name != "key")
                if answer.headers.get("content-type", "").startswith("text/html"):
                    assert read(answer.text).wrong == [], (route.path, kind, name, value)


def test_a_text_that_is_asked_for_gets_past_the_door_of_its_page(scanned: Scanned) -> None:
    """So a fault of one parameter hides none of another, and words reach the database."""
    refused, taken = set(), 0
    for route in routes():
        for kind, name in parameters(route.dependant):
            if kind == "query" and "GET" in route.methods:
                status = scanned.ask(route, kind, name, "x' OR 1=1").status_code
                refused |= {name} if status == 422 else set()
                taken += status != 422
    assert refused == CHOSEN
    assert taken > 10


def test_a_form_that_is_sent_as_it_stands_is_taken(scanned: Scanned) -> None:
    lasting = {
        path: form for path, form in scanned.forms.items() if not path.endswith(("/delete", "/logout", "/{wish}"))
    }
    answered = {path: scanned.send(form, {}).status_code for path, form in lasting.items()}
    assert answered == dict.fromkeys(lasting, 303)
