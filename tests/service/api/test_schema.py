"""The OpenAPI document is whole and true: what it does not tell is not answered."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
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

from .conftest import Site
from .routes import endpoints

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LONG = ("/v1/system/checks",)  # it compiles; one call is enough


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
    "examples", [3, pytest.param(150, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])], ids=["few", "many"]
)
@pytest.mark.parametrize("who", ["root", "reader", "nobody"])
def test_nothing_is_answered_that_the_document_does_not_tell(
    module_site: Site, callers: dict[str, dict[str, str]], who: str, examples: int
) -> None:
    headers = {"Host": "localhost:8420", **callers[who]}
    schema = schemathesis.openapi.from_asgi("/openapi.json", module_site.app, headers={"Host": "localhost:8420"})
    answered: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path not in LONG:
            answered[operation.label] = fuzz(operation, headers, examples)
    assert len(answered) > 40
    done = [label for label, statuses in answered.items() if min(statuses) < 300]
    if who == "nobody":
        assert {*done} == {"GET /health", "GET /ready"}
        assert set().union(*(statuses for label, statuses in answered.items() if label not in done)) <= {400, 401}
    else:
        assert len(done) > 5, done


@pytest.fixture(scope="module")
def callers(module_site: Site) -> dict[str, dict[str, str]]:
    """Return the headers of an administrator, of one who may read, and of nobody."""
    root = {"Authorization": module_site.client.headers["Authorization"]}
    return {"root": root, "reader": module_site.key("one-who-reads", "read"), "nobody": {}}


def fuzz(operation: APIOperation[Any, Any, Any], headers: dict[str, str], examples: int) -> set[int]:
    """Send an operation what its description allows, and what it does not; return how it answered."""
    statuses: set[int] = set()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def once(case: Case) -> None:
            statuses.add(case.call_and_validate(headers=headers, checks=CHECKS).status_code)

        try:
            once()
        except Unsatisfiable:  # nothing of this operation can be got wrong
            assert mode is GenerationMode.NEGATIVE
    return statuses
