"""The OpenAPI document is whole and true: what it does not tell is not answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from slotforge import __version__
from slotforge.service.api.app import ROUTES

from ..conftest import Found
from .conftest import Site, shared
from .routes import endpoints

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Answered = dict[str, set[int]]
"""Statuses by what was asked, or by who asked."""
PATIENCE_S = 120  # on a machine that does much else
LONG = ("/v1/system/checks",)  # it compiles; one call is enough
FORMULA = b"p cnf 1 1\n1 0\n"
COMPILES = ("POST /v1/candidates/{candidate}/compilation", "POST /v1/candidates/{candidate}/artefacts")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def module_site(
    request: pytest.FixtureRequest, found: Found, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve from a database of each kind: they do not take the same texts and numbers."""
    folder = tmp_path_factory.mktemp("shared")
    there = request.getfixturevalue("empty_postgres") if request.param == "postgres" else folder / "store.db"
    with shared(found, str(there), folder / "secret") as site:
        yield site


@pytest.fixture(scope="module")
def document(module_site: Site) -> Any:
    return module_site.client.get("/openapi.json").json()


def test_the_document_tells_every_route_of_the_api(document: Any) -> None:
    told = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    assert told == {str(one) for one in endpoints(ROUTES)}
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("slotforge", __version__)


def test_every_operation_says_what_it_does_and_how_it_fails(document: Any) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert operation["tags"], where
            assert {"400", "429", "503"} <= {*operation["responses"]}, where
            assert "security" in operation or path in ("/health", "/ready"), where
            for status, told in operation["responses"].items():
                if int(status) >= 400:
                    assert [*told["content"]] == ["application/problem+json"], where
            for parameter in operation.get("parameters", []):
                assert parameter["schema"], where


def test_headers_of_answers_are_told_and_sent(module_site: Site, document: Any) -> None:
    def told(path: str, method: str, status: int) -> set[str]:
        return {*document["paths"][path][method]["responses"][str(status)].get("headers", {})}

    client = module_site.client
    assert told("/v1/runs", "get", 200) == told("/v1/runs", "get", 304) == {"ETag"}
    assert "ETag" in client.get("/v1/runs").headers
    assert told("/v1/runs/{run}/events", "get", 200) == set()
    assert told("/v1/runs", "post", 201) == told("/v1/suites/{name}", "post", 201) == {"Location"}
    job = client.post("/v1/runs", json={"domain": "sat", "instances": ["sgen:15"]})
    assert job.headers["Location"] == f"/v1/runs/{job.json()['id']}"
    suite = client.post("/v1/suites/mine", files={"files": ("one.cnf", FORMULA)})
    assert client.get(suite.headers["Location"]).json()["name"] == "mine"
    assert told("/v1/runs", "get", 401) == {"WWW-Authenticate"}
    assert "WWW-Authenticate" in client.get("/v1/runs", headers={"Authorization": "Bearer none"}).headers
    assert told("/v1/runs", "get", 429) == told("/v1/runs", "get", 503) == {"Retry-After"}


def test_the_document_holds_no_word_that_it_does_not_define(document: Any) -> None:
    schemas = document["components"]["schemas"]

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    wanted = {name.rpartition("/")[2] for name in references(document)}
    assert wanted <= {*schemas}
    assert "HTTPValidationError" not in schemas


@pytest.mark.parametrize(
    "examples", [10, pytest.param(150, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])], ids=["few", "many"]
)
def test_nothing_is_answered_that_the_document_does_not_tell(
    module_site: Site, callers: dict[str, dict[str, str]], there: dict[str, Any], examples: int
) -> None:
    """The same is asked by everybody: to think of a request takes longer than to answer it."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", module_site.app, headers={"Host": "localhost:8420"})
    answered: dict[str, Answered] = {who: {} for who in callers}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path not in LONG:
            known = {} if operation.label in COMPILES else there
            for who, statuses in fuzz(operation, callers, known, examples).items():
                answered[who][operation.label] = statuses
    assert len(answered["root"]) > 40
    done = {who: {label for label, statuses in its.items() if min(statuses) < 300} for who, its in answered.items()}
    assert len(done["root"]) > 40, done
    assert len(done["reader"]) > 30, done
    assert done["nobody"] == {"GET /health", "GET /ready"}
    refused = [statuses for label, statuses in answered["nobody"].items() if label not in done["nobody"]]
    assert set().union(*refused) <= {400, 401}


def test_the_events_of_a_run_are_what_the_document_tells(module_site: Site, callers: dict[str, dict[str, str]]) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", module_site.app, headers={"Host": "localhost:8420"})
    run = module_site.client.get("/v1/runs?state=finished").json()["items"][0]["id"]
    asked = schema["/v1/runs/{run}/events"]["GET"].Case(path_parameters={"run": run})
    told = asked.call_and_validate(headers=callers["root"], checks=CHECKS, timeout=PATIENCE_S)
    assert "event: trial" in told.text


@pytest.fixture(scope="module")
def callers(module_site: Site) -> dict[str, dict[str, str]]:
    """Return the headers of nobody, of one who may read, and of an administrator, who leaves less to the others."""
    root = {"Authorization": module_site.client.headers["Authorization"]}
    shown = {"nobody": {}, "reader": module_site.key("one-who-reads", "read"), "root": root}
    return {who: {"Host": "localhost:8420", **headers} for who, headers in shown.items()}


@pytest.fixture(scope="module")
def there(module_site: Site) -> dict[str, Any]:
    """Name what is there, by the names of parameters, so that more is answered than that something is not."""
    client = module_site.client
    module_site.key("spare", "read")
    run = client.get("/v1/runs?state=finished").json()["items"][0]["id"]
    trials = client.get(f"/v1/runs/{run}/trials").json()["items"]
    first, *_, last = (one["candidate"] for one in trials if one["candidate"])
    instance = client.post("/v1/instances?name=one.cnf", content=FORMULA).json()["instances"][0]["id"]
    job = client.post("/v1/runs", json={"domain": "sat", "instances": ["sgen:15"]}).json()["id"]
    for name in ("spare", "x"):
        client.put(f"/v1/suites/{name}", json={"instances": [instance]}).raise_for_status()
    variant = client.get("/v1/prompts").json()["items"]
    named = {"run": run, "number": 0, "candidate": first, "other": last, "instance": instance, "job": job}
    return named | {"name": "spare", "ref": run} | ({"variant": variant[0]["id"]} if variant else {})


def fuzz(
    operation: APIOperation[Any, Any, Any], callers: dict[str, dict[str, str]], there: dict[str, Any], examples: int
) -> Answered:
    """Send an operation what its description allows, and what it does not; return how it answered each caller.

    Half of what is allowed asks for what is there.
    """
    answered: Answered = {who: set() for who in callers}
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(
            case=operation.as_strategy(generation_mode=mode),
            real=st.booleans() if mode is GenerationMode.POSITIVE else st.just(False),
        )
        def once(case: Case, real: bool) -> None:
            if real:
                case.path_parameters |= {name: there[name] for name in case.path_parameters if name in there}
            for who, headers in callers.items():
                told = case.call_and_validate(headers=headers, checks=CHECKS, timeout=PATIENCE_S)
                answered[who].add(told.status_code)

        try:
            once()
        except Unsatisfiable:  # nothing of this operation can be got wrong
            assert mode is GenerationMode.NEGATIVE
    return answered
