"""Nothing that was said to be safe is lost, whatever happens to the process, and however many write."""

from __future__ import annotations

import random
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slotforge.core.errors import StoreError
from slotforge.core.types import Candidate
from slotforge.lineage import queries
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial

DRIVE = Path(__file__).with_name("drive.py")
trial = runpy.run_path(str(DRIVE))["trial"]
SUMMED = runpy.run_path(str(Path(__file__).with_name("summed.py")))


def start(where: object, count: int, *run: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(DRIVE), str(where), str(count), *run]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_kill_9_loses_no_trial_that_was_safe_and_leaves_none_in_part(where: str) -> None:
    chance = random.Random(7)
    run: list[str] = []
    for _ in range(4):
        with start(where, 10**6, *run) as process:
            assert process.stdout is not None
            run = [process.stdout.readline().split()[1]]
            process.stdout.readline()  # it is under way
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            told = [int(line.split()[1]) for line in process.stdout.read().splitlines() if line.count(" ") == 1]
        with open_store(where) as store:
            assert store.run(run[0]).state == "interrupted"
            found = store.trials(run[0])
            assert SUMMED["kept"](store) == SUMMED["counted"](store)
        assert list(found) == list(range(len(found)))
        assert len(found) > max(told, default=0)
        assert found == {number: trial(run[0], number) for number in found}


def test_a_living_process_keeps_its_run_and_a_killed_one_does_not(where: str) -> None:
    with start(where, 10**6) as process:
        assert process.stdout is not None
        run = process.stdout.readline().split()[1]
        with open_store(where) as store:
            with pytest.raises(StoreError, match=f"run {run} is being driven by process {process.pid} "):
                store.lock_run(run)
            assert store.run(run).state == "running"
            process.kill()
            while process.poll() is None:
                time.sleep(0.01)
            assert store.run(run).state == "interrupted"
            store.lock_run(run)
            assert store.run(run).state == "running"


def test_eight_processes_that_open_a_new_store_and_write_at_once_lose_nothing(where: str) -> None:
    processes = [start(where, 60) for _ in range(8)]
    ids = [process.communicate()[0].split()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    with open_store(where) as store:
        assert {summary.id: summary.trials for summary in queries.runs(store)} == dict.fromkeys(ids, 59)
        for run in ids:
            assert store.trials(run) == {number: trial(run, number) for number in range(60)}
        assert SUMMED["kept"](store) == SUMMED["counted"](store)


def test_recording_stays_as_quick_as_the_store_grows(tmp_path: Path) -> None:
    """20,000 trials with three measurements: a trial costs no more at the end than at the beginning.

    On SQLite alone: the CPU time of a server is not that of this process.
    """
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
        costs = []
        for begin in range(0, 20_000, 2_000):
            trials = [trial(run, number) for number in range(begin, begin + 2_000)]
            before = time.process_time()
            for one in trials:
                store.record(one)
            store.flush()
            costs.append((time.process_time() - before) / 2_000)
    assert min(costs[-3:]) < 4 * min(costs[:3])  # what grows with the store would be ten times slower
    assert min(costs) < 1 / 2_000


def test_a_trial_is_safe_soon_without_a_flush(where: str) -> None:
    with open_store(where) as store, open_store(where) as other:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 0))
        deadline = time.monotonic() + 60
        while not other.trials(run) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert list(other.trials(run)) == [0]


def test_a_source_is_kept_once(where: str) -> None:
    with open_store(where) as store:
        for _ in range(2):
            run = store.create_run(CONFIG, SUITE, {"compiler": "g++"})
            store.record(sample_trial(run, 0, candidate=Candidate(domain="sat", slots={"a": "same", "b": "same"})))
        with store.reading() as connection:
            count = {
                table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
                for table in ("source", "candidate", "instance", "environment")
            }
    assert count == {"source": 1, "candidate": 1, "instance": 2, "environment": 1}
