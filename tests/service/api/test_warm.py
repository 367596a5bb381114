"""A store is read a little before the first request, whatever is in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slotforge.lineage.store import open_store
from slotforge.service.api.warm import warm
from slotforge.service.views import course
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial


def test_queries_are_compiled_before_the_first_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path / "store.db") as store:
        warm(store)
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1))
        warm(store)
        monkeypatch.setattr("slotforge.lineage.prepared._Compiled", None)
        assert course.curve(store, run).last == 1


def test_pages_and_comparisons_are_ready_before_the_first_request(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
        for number in range(3):
            store.record(sample_trial(run, number))
    measure = (
        "import sys; from pathlib import Path\n"
        "from slotforge.lineage.store import open_store\n"
        "from slotforge.service.api import app, warm\n"
        "from slotforge.service.web.templating import environment\n"
        "app.whole()\n"
        "with open_store(Path(sys.argv[1])) as store: warm.warm(store)\n"
        "print('pygments.lexers' in sys.modules, len(environment().cache) == len(environment().list_templates()))"
    )
    told = subprocess.run([sys.executable, "-c", measure, str(tmp_path / "store.db")], capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("True True\n", "")


def test_a_store_that_cannot_be_read_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_store(tmp_path / "store.db") as store, store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE run_total")
    with open_store(tmp_path / "store.db") as store:
        warm(store)
    assert "run_total" in caplog.text
