"""A run is taken from the dead, and never from the living."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import StoreError
from slotforge.lineage import driver
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import CONFIG, SUITE


def changed(**changes: Any) -> dict[str, Any]:
    return driver.this_process() | changes


@pytest.mark.parametrize("elsewhere", [False, True])
def test_this_process_lives_and_another_with_its_number_does_not(elsewhere: bool) -> None:
    assert driver.lives(driver.this_process(), elsewhere=elsewhere)
    assert not driver.lives(changed(start=driver.this_process()["start"] - 1), elsewhere=elsewhere)
    assert not driver.lives(changed(boot="before the last reboot"), elsewhere=elsewhere)
    assert not driver.lives(None, elsewhere=elsewhere)


def test_a_process_on_another_machine_counts_as_living_where_there_can_be_one() -> None:
    far = changed(boot="another", host="another")
    assert driver.lives(far, elsewhere=True)
    assert not driver.lives(far, elsewhere=False)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_process_in_another_container_of_this_machine_counts_as_living(elsewhere: bool) -> None:
    """Its number may be anybody's here, or nobody's: two servers in containers took each other's jobs for lost."""
    assert driver.lives(changed(space="pid:[1]", pid=2**22 + 1, start=1), elsewhere=elsewhere)
    assert not driver.lives(changed(space="pid:[1]", boot="before the last reboot"), elsewhere=elsewhere)
    known_before = {key: value for key, value in changed(start=1).items() if key != "space"}
    assert not driver.lives(known_before, elsewhere=elsewhere)


def test_containers_of_one_machine_are_told_apart() -> None:
    code = "import json; from slotforge.lineage import driver; print(json.dumps(driver.this_process()))"
    command = ["unshare", "--fork", "--pid", "--mount-proc", sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"no namespace of process ids can be made here: {ended.stderr.strip()}")
    assert driver.lives(json.loads(ended.stdout), elsewhere=True)  # it is over, but who could know


def test_a_killed_process_is_dead_before_its_parent_has_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other = changed(pid=process.pid, start=driver._start(process.pid))
        assert driver.lives(other, elsewhere=False)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert not driver.lives(other, elsewhere=False)


def test_a_run_of_a_lost_machine_can_be_taken_over(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    far = changed(boot="another", host="lost")
    with open_store(postgres) as here:
        with monkeypatch.context() as there:
            there.setattr(driver, "this_process", lambda: far)
            lost = open_store(postgres)
            run = lost.create_run(CONFIG, SUITE, {})
        with pytest.raises(StoreError, match="on lost: wait for its end"):
            here.lock_run(run)
        here.lock_run(run, take_over=True)
        lost.close()
        assert here.run(run).state == "running"


def test_a_run_that_does_not_exist_cannot_be_driven(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store, pytest.raises(StoreError, match="no run 123 in"):
        store.lock_run("123")


def test_a_forked_child_may_end_without_harm_to_the_store(tmp_path: Path) -> None:
    code = f"""
import os, sys
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial
store = open_store({str(tmp_path / "store.db")!r})
run = store.create_run(CONFIG, SUITE, {{}})
store.record(sample_trial(run, 0))
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(run)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True, timeout=60).stdout
    with open_store(tmp_path / "store.db") as store:
        assert list(store.trials(run.strip())) == [0]
