"""Threads that hang delay neither the end of a run nor that of the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from slotforge.search import daemons

SCRIPT = """
import asyncio, time
from slotforge.search import daemons

async def give_up():
    async with asyncio.timeout(0.1):
        await asyncio.to_thread(time.sleep, 3600)

try:
    daemons.run(give_up())
except TimeoutError:
    print("over")
"""


def test_a_call_that_never_returns_ends_with_its_timeout_and_so_does_the_process() -> None:
    job = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=True)
    assert job.stdout == "over\n"


def test_calls_return_and_raise_as_in_a_pool() -> None:
    async def both() -> int:
        with pytest.raises(ValueError, match="invalid literal"):
            await asyncio.to_thread(int, "x")
        return sum(await asyncio.gather(*(asyncio.to_thread(int, str(n)) for n in range(100))))

    assert daemons.run(both()) == sum(range(100))
