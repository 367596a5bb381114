"""Where measurements run: what workers may know."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slotforge.core.types import Budget, Candidate
from slotforge.lineage.store import open_store
from slotforge.search.confirm import Confirmation
from slotforge.search.discover import Discovery
from slotforge.search.executors import inline, process
from slotforge.testing import landscape
from slotforge.testing.hills import config

MEMORY_MB = 123
KEY = "sk-planted-0123456789abcdef"
GOING_S = 20.0  # for workers to go after their driver
MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
DRIVER = """
import asyncio, os, time
from slotforge.search.executors import process
async def work():
    workers = process.executor(2)
    print(await workers.submit(os.getpid), flush=True)
    await workers.submit(time.sleep, 60)
asyncio.run(work())
"""


def test_worker_processes_do_not_have_the_keys_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "SLOTFORGE_STORE", "SLOTFORGE_SERVE_STORE"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setattr("multiprocessing.forkserver._forkserver", type(process.forkserver._forkserver)())
    workers = process.executor(1)

    async def look() -> bytes:
        return await workers.submit(Path.read_bytes, Path("/proc/self/environ"))

    try:
        assert KEY.encode() not in asyncio.run(look())
    finally:
        workers.close()
    assert os.environ["OPENAI_API_KEY"] == KEY


def test_a_driver_that_is_killed_leaves_neither_workers_nor_what_is_temporary(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", DRIVER], env=environment, stdout=subprocess.PIPE) as driver:
        assert driver.stdout
        worker = Path("/proc", driver.stdout.readline().decode().strip())
        assert worker.exists()
        assert list(tmp_path.iterdir()) != []
        driver.kill()
    end = time.monotonic() + GOING_S
    while (left := list(tmp_path.iterdir())) or worker.exists():
        assert time.monotonic() < end, left
        time.sleep(0.02)


def test_a_folder_for_temporary_files_that_is_too_deep_is_one_line(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    environment = {**os.environ, "TMPDIR": str(deep), "SLOTFORGE_HOME": str(tmp_path / "home")}
    command = [*MAIN, "discover", "sat", "--instances", "sgen:20", "--workers", "2", "--evals", "4"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{deep} is too long a path for the sockets of worker processes: set TMPDIR to a shorter one" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(deep.iterdir()) == []


def test_each_job_tells_its_executor_what_memory_a_measurement_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    make = inline.executor
    monkeypatch.setattr(inline, "executor", lambda *said: told.append(said) or make(*said))
    monkeypatch.setattr(landscape.Landscape, "memory_mb", MEMORY_MB)
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(budget=Budget(evals=3), workers=1), store=store).run()
        Confirmation(
            candidate=Candidate(domain=landscape.NAME, slots={"alpha": "0.8"}),
            against=Candidate(domain=landscape.NAME),
            specs=("c",),
            seed=1,
            workers=2,
            executor="inline",
        ).run(store)
    assert report.state == "finished"
    assert told == [(1, MEMORY_MB), (2, MEMORY_MB)]
