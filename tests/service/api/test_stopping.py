"""The end of the service, while somebody reads an answer that has none."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx

from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.service.api import server
from slotforge.service.jobs.queue import Queue

from .test_serve import PATIENCE, serving

BUSY_S = 60  # for what waits for nothing but a busy machine: half the patience, after which a server is killed


def test_it_ends_at_once_and_without_errors_while_event_streams_are_open(
    python_main: list[str], tmp_path: Path
) -> None:
    with open_store(tmp_path / "s.db") as store:
        queue = Queue(store)
        job = queue.submit(RunConfig(domain="packing", instances=("weibull_1k_100",)), owner="local")
        queue.wish(job.id, "pause")
    with serving(python_main, tmp_path / "s.db") as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        with client.stream("GET", f"/v1/runs/{job.id}/events") as stream:
            lines = stream.iter_lines()
            assert any("paused" in line for line in lines)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert "event: end" not in list(lines)
        out, err = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
    assert (process.returncode, out.splitlines()[-1]) == (0, "stopped")
    assert '"error"' not in err  # as is told of an answer that outlasts the grace
    assert "Traceback" not in err
    assert took < server.GRACE_S + BUSY_S
