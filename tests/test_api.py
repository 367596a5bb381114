"""The package's own functions do what the commands do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import slotforge
from slotforge.testing import landscape


def test_a_search_from_python_is_found_by_best(tmp_path: Path) -> None:
    store = str(tmp_path / "store.db")
    options = {"per_family": 20}
    report = slotforge.discover(
        ["a"], domain=landscape.NAME, evals=30, seed=1, executor="inline", store=store, options=options
    )
    assert report.trials == 30
    found = slotforge.best(landscape.NAME, store=store)
    assert report.best.candidate in [row.candidate for row in found]
    assert all("alpha" in row.slots for row in slotforge.best(landscape.NAME, slot="alpha", store=store))


def test_importing_the_package_is_light() -> None:
    heavy = "{'ray', 'sqlalchemy', 'langchain', 'openai', 'numpy', 'pydantic'} & set(sys.modules)"
    code = f"import slotforge, sys; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
