"""What a server says of itself: faults, its log, figures, and whether it is ready."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from slotforge.core.errors import Unavailable
from slotforge.lineage import ledger
from slotforge.service.api.logs import Lines, hide
from slotforge.service.api.server import OVERDUE_S, Worker
from slotforge.service.jobs.supervisor import Supervisor

from .conftest import PROBLEM, Site


def test_a_fault_is_answered_without_its_reason_and_logged_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.app.state.context.queue), "jobs", broken)
    answer = site.client.get("/v1/jobs")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert any(record.exc_info and "secret detail" in str(record.exc_info[1]) for record in caplog.records)


def test_a_line_of_the_log_is_one_json_object_that_names_the_request(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="slotforge.service"):
        answer = site.client.get("/v1/runs/zz%0a%7B?token=sf_hidden")
    (line,) = [Lines().format(record) for record in caplog.records if record.name == "slotforge.service"]
    said = json.loads(line)
    assert "\n" not in line
    assert said["request"] == answer.headers["x-request-id"]
    assert (said["method"], said["route"], said["status"], said["caller"]) == ("GET", "/v1/runs/{run}", 404, "local")
    assert "sf_hidden" not in line


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "key sf_{}",
        "sk-{}",
        "postgresql://user:{}@host/db",
        "Cookie: a=1; slotforge_session=ann:1:2:{}; b=2",
    ],
)
def test_the_log_hides_what_looks_like_a_secret(text: str) -> None:
    secret = "planted0123456789planted0123456789"
    assert secret in text.format(secret)
    assert secret not in hide(text.format(secret))


def test_figures_count_requests_by_route_and_jobs_by_state(site: Site) -> None:
    site.client.get("/v1/runs")
    site.client.get("/v1/runs/zz")
    site.client.request("BREW", "/v1/runs")
    site.client.get("/openapi.json")
    text = site.client.get("/metrics").text
    assert 'slotforge_requests_total{method="GET",route="/v1/runs",status="200"} 1.0' in text
    assert 'slotforge_requests_total{method="GET",route="/v1/runs/{run}",status="404"} 1.0' in text
    assert "BREW" not in text
    assert 'slotforge_requests_total{method="GET",route="/openapi.json",status="200"} 1.0' in text
    assert "slotforge_job_waiting_seconds 0.0" in text
    assert "slotforge_jobs_taken 0.0" in text
    spent = re.search(r"^slotforge_cpu_seconds (\S+)$", text, re.MULTILINE)
    assert spent is not None
    assert 0 < float(spent[1]) <= sum(line.cpu_s for line in ledger.usage(site.store))
    assert "slotforge_trials 90.0" in text
    assert "slotforge_streams_open 0.0" in text


def test_ready_says_when_the_database_or_the_jobs_are_not_looked_after(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise Unavailable("the store is locked")

    monkeypatch.setattr(Supervisor, "_look", locked)
    assert site.client.get("/ready").status_code == 200
    supervisor = Supervisor(site.app.state.context.queue, 1)
    site.app.state.supervisor = worker = Worker(supervisor)
    assert "the supervisor of jobs has stopped" in site.client.get("/ready").json()["detail"]
    with worker:
        assert site.client.get("/ready").status_code == 200
        supervisor.looked = time.monotonic() - 2 * OVERDUE_S
        late = site.client.get("/ready")
        assert late.status_code == 503
        assert "jobs were last looked after 12" in late.json()["detail"]
    site.store.close()
    assert site.client.get("/health").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/html"}, {"Idempotency-Key": "one"}])
def test_where_the_database_is_stays_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    where = Path(site.store.name)
    with closing(sqlite3.connect(where)) as other:
        other.execute("DROP TABLE job")
    method, path = ("GET", "/system") if "Accept" in headers else ("POST", "/v1/jobs/abcd/pause")
    answer = site.client.request(method, path, headers=headers)
    assert answer.status_code == 503, answer.text
    assert "ask again" in answer.text
    assert where.name not in answer.text
    assert "no such table" not in answer.text
    assert any(str(where) in record.getMessage() for record in caplog.records)
