"""Processes that measure end with the benchmark."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOON_S = 20.0
PROGRAM = """
import time
from slotforge.bench._workers import workers

with workers(2) as pool:
    naps = [pool.submit(time.sleep, seconds) for seconds in (0, 600, 600)]
    naps[0].result()
    print(*pool._processes, flush=True)
    naps[1].result()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_benchmark_however_it_is_ended(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as main:
        assert main.stdout is not None
        workers = [Path("/proc", pid) for pid in main.stdout.readline().decode().split()]
        main.send_signal(number)
        main.wait(SOON_S)
    assert len(workers) == 2
    end = time.monotonic() + SOON_S
    while any(map(_runs, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_runs, workers))


def _runs(process: Path) -> bool:
    """Whether a process is there, and no zombie that nobody has waited for."""
    try:
        return (process / "stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
