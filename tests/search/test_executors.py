"""Where measurements run: what workers may know."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from slotforge.search.executors import process

KEY = "sk-planted-0123456789abcdef"


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
