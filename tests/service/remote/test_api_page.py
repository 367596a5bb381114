"""The page of the API is true: its commands run, in their order, and its first search finishes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slotforge.service.client import Client

from .test_follow import in_time, served

__all__ = ["served"]

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
MAIN = f'slotforge() {{ "{sys.executable}" -c "from slotforge.service.cli import main; main()" "$@"; }}\n'
PATIENCE_S = 600.0
NEEDED = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def blocks() -> dict[str, str]:
    """Return the commands of each heading, the first of them where there are several."""
    found: dict[str, str] = {}
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        if commands := re.search(r"```sh\n(.*?)```", part, re.DOTALL):
            found[part.partition("\n")[0]] = commands.group(1)
    return found


@NEEDED
def test_the_first_search_of_the_page_finishes(served: str) -> None:
    told = blocks()
    key, rest = told["Keys"].split("\n", 1)
    assert key.startswith("KEY=")
    assert rest
    search = told["A search"].replace("curl ", "curl -sS ")
    for documented, quick in (('"evals": 20', '"evals": 2'), ('"per_family": 12', '"per_family": 6')):
        assert documented in search
        search = search.replace(documented, quick)
    script = f"{MAIN}set -e\nURL={served}\n{key}\n{search}\necho >&2 $KEY"
    environment = os.environ | {"SLOTFORGE_SERVER": served}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    with Client(served, token=done.stderr.split()[-1]) as client:
        job = json.loads(done.stdout)["id"]
        assert in_time(client, job, "finished", "failed", patience_s=PATIENCE_S) == "finished", client.job(job).why
