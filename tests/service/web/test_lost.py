"""A run's page while its server is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import Queue

from .browser import browsing, serving
from .test_browser import PATIENCE_MS, pytestmark  # noqa: F401

LATE_MS = 1_000


@pytest.fixture
def page() -> Any:
    with browsing() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page


def _paused(path: Path) -> str:
    with open_store(path) as store:
        queue = Queue(store)
        job = queue.submit(RunConfig(domain="sat", instances=("sgen:23",)), owner="ann").id
        queue.wish(job, "pause")
    return job


def test_a_page_follows_its_run_however_late_a_script_comes(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    job = _paused(path)

    def late(route: Any) -> None:
        page.wait_for_timeout(LATE_MS)
        route.continue_()

    page.route("**/hx-sse.min.js*", late)
    with serving(tmp_path, path) as url, page.expect_request("**/events*", timeout=20 * LATE_MS):
        page.goto(f"{url}/runs/{job}")


def test_a_page_says_that_its_server_does_not_answer_until_it_does_again(page: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    path = tmp_path / "store.db"
    job = _paused(path)
    with serving(tmp_path, path) as url:
        with page.expect_request("**/events*"):
            page.goto(f"{url}/runs/{job}")
        expect(page.locator("#live")).to_have_attribute("data-state", "paused")
        expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#lost")).to_be_visible()
    with serving(tmp_path, path, port=urlsplit(url).port or 0):
        expect(page.locator("#lost")).to_be_hidden()
