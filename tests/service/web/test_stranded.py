"""What pages say of what waits or stands still, and how a long queue is turned over."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from slotforge.core.types import Suite
from slotforge.lineage.store import open_store

from .conftest import client
from .markup import read
from .test_forms import CONFIG, context
from .test_outcomes import words


@pytest.mark.parametrize("state", ["interrupted", "failed", "cancelled", "finished"])
def test_a_run_of_a_command_line_that_was_interrupted_says_how_it_goes_on(state: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {})
        store.finish(run, state, {})
    with client(tmp_path / "store.db") as browser:
        assert (f"slotforge resume {run}" in words(browser, f"/runs/{run}")) == (state == "interrupted")


def test_a_run_of_the_queue_goes_on_from_its_page(empty: TestClient) -> None:
    job = context(empty).queue.submit(CONFIG, owner="ann")
    store = context(empty).store
    store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {}, run=job.id)
    store.finish(job.id, "interrupted", {})
    assert "slotforge resume" not in words(empty, f"/runs/{job.id}")


def test_the_queue_is_turned_over_to_its_end(empty: TestClient) -> None:
    jobs = [context(empty).queue.submit(CONFIG, owner="ann").id for _ in range(7)]
    address, listed = "/system?limit=3", []
    while address:
        page = read(empty.get(address).text)
        assert page.wrong == []
        listed.append([link.rpartition("/")[2] for link in page.links if link.startswith("/runs/")])
        address = next((link for link in page.links if "cursor=" in link), "")
        assert not address or address.endswith("#queue")
    assert [len(some) for some in listed] == [3, 3, 1]
    assert [job for some in listed for job in some] == jobs[::-1]
