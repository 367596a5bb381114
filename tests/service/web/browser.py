"""A browser and a server for the tests and for the pictures in the documentation."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
MAIN = [sys.executable, "-c", "from slotforge.service.cli import main; main()"]
PATIENCE_S = 120


@contextmanager
def serving(home: Path, store: Path | None = None, *, port: int = 0) -> Iterator[str]:
    """Serve a store in a process of its own, and yield where."""
    command = [*MAIN, "serve", "--port", str(port), *(["--store", str(store)] if store else [])]
    environment = {**os.environ, "SLOTFORGE_HOME": str(home)}
    with (
        (home / "serve.log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://[^\s/]+", said)
            assert found, f"{said}{(home / 'serve.log').read_text()}"
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def browsing() -> Iterator[Any]:
    """Yield a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
