"""The watch over environments sees what holds a secret, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from slotforge.testing.watch import LASTING_S, Watch

SECRET = "planted-4711"


def seen(code: str) -> set[str]:
    """Run a program that has the secret, and return what descends from it and has it too."""
    code = f"import os, subprocess, time\n{code}"
    job = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "KEY": SECRET})
    watch = Watch(job.pid, SECRET)
    watch.until(lambda: job.poll() is not None)
    assert job.returncode == 0
    return watch.leaks


def test_a_program_that_inherits_the_secret_is_a_leak() -> None:
    assert seen("subprocess.run(['sleep', '0.3'])") == {"sleep"}


def test_a_fork_that_lasts_is_a_leak() -> None:
    last = f"os.fork() or (time.sleep({LASTING_S + 1}), os._exit(0)); os.wait()"
    assert len(seen(last)) == 1


def test_a_fork_that_becomes_a_program_without_the_secret_is_none() -> None:
    clean = "os.fork() or (time.sleep(0.2), os.execve('/bin/sleep', ['sleep', '0.3'], {})); os.wait()"
    began = time.monotonic()
    assert seen(clean) == set()
    assert time.monotonic() - began >= LASTING_S
