"""The package's own functions do what the commands do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import slotforge
from slotforge.core.errors import UsageError
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


def test_a_plain_script_may_search_with_worker_processes(tmp_path: Path) -> None:
    script = tmp_path / "search.py"
    script.write_text(
        "import slotforge\n"
        f"report = slotforge.discover('a', domain={landscape.NAME!r}, evals=2, store={str(tmp_path / 's.db')!r})\n"
        "print(report.state)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "finished\n"), done.stderr
    piped = subprocess.run(
        [sys.executable, "-"], input=script.read_text(), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert piped.stdout == "finished\n", piped.stderr


def test_names_that_are_not_known_are_refused_as_the_commands_refuse_them(tmp_path: Path) -> None:
    store = str(tmp_path / "store.db")
    with pytest.raises(UsageError, match="eval: Extra inputs"):
        slotforge.discover(["a"], domain=landscape.NAME, eval=3, store=store)
    with pytest.raises(UsageError, match="no file, folder or family called 'mitre': did you mean miter"):
        slotforge.discover("mitre", evals=1, store=store)
    for names in ({"domain": "sta"}, {"domain": "sat", "slot": "restart"}, {"domain": "sat", "family": "nothing"}):
        with pytest.raises(UsageError, match="called"):
            slotforge.best(**names, store=store)


def test_importing_the_package_is_light() -> None:
    heavy = "{'ray', 'sqlalchemy', 'langchain', 'openai', 'numpy', 'pydantic'} & set(sys.modules)"
    code = f"import slotforge, sys; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
