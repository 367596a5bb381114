"""HEAD is answered wherever GET is, with the same status and headers, and no body."""

from __future__ import annotations

import pytest

from .conftest import Site
from .routes import Endpoint, endpoints

OWN = {"x-request-id", "date", "set-cookie"}  # headers of each answer alone
EVERY = ("/", "/library", "/new", "/login", "/health", "/v1/runs", "/v1/jobs?limit=1", "/openapi.json", "/nothing")
READ = [one for one in sorted(endpoints()) if one.method == "GET"]
SLOW = {"/system/checks"}


@pytest.mark.parametrize("path", [*EVERY, *sorted({one.url for one in READ if one.path not in SLOW} - {*EVERY})])
def test_head_is_answered_as_get_is_without_the_body(module_site: Site, path: str) -> None:
    whole, head = (getattr(module_site.client, method)(path, follow_redirects=False) for method in ("get", "head"))
    assert head.content == b""
    assert head.status_code == whole.status_code != 405
    if path != "/metrics":  # counts its own askers
        shown = [{name: value for name, value in one.headers.items() if name not in OWN} for one in (whole, head)]
        assert shown[0] == shown[1]


def test_what_is_only_sent_to_is_not_read_by_head_either(module_site: Site) -> None:
    posted = {one.path for one in endpoints() if one.method == "POST"} - {one.path for one in READ}
    for path in sorted(posted):
        assert module_site.client.head(Endpoint(path, "HEAD").url).status_code == 405, path


def test_who_asks_by_head_stands_in_the_figures_as_such(module_site: Site) -> None:
    module_site.client.head("/v1/runs")
    assert 'method="HEAD",route="/v1/runs"' in module_site.client.get("/metrics").text
