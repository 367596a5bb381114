"""What a server does for jobs: it starts them with what they must know, and tells it to nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from slotforge.core.errors import BuildError, UnknownId
from slotforge.core.home import home
from slotforge.core.types import Budget, RunConfig
from slotforge.lineage import queries, servers
from slotforge.lineage.store import open_store
from slotforge.search import worker
from slotforge.service.jobs import log, supervisor
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord, Queue
from slotforge.service.jobs.supervisor import Supervisor
from slotforge.testing import hills

PASSWORD, KEY = "pass-word-of-the-database", "sk-key-of-the-model"
WAIT_S = 90.0


@contextmanager
def serving(queue: Queue) -> Iterator[Supervisor]:
    """Work off a queue in a thread, as `slotforge serve` does."""
    stop, supervisor = threading.Event(), Supervisor(queue, 2, poll_s=0.1)
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        yield supervisor
    finally:
        stop.set()
        thread.join()


def wait(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def done(queue: Queue, config: RunConfig | ConfirmConfig) -> JobRecord:
    """Submit a job, and wait for its end."""
    job = queue.submit(config, owner="ann").id
    wait(lambda: queue.job(job).state in ("finished", "failed"))
    return queue.job(job)


def environment(process: int, *, words: str = "environ") -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/{words}").read_text(errors="replace")
    return ""


def below(process: int) -> list[int]:
    """Return all processes that one has started, and those that these have started."""
    children = [int(p) for p in environment(process, words=f"task/{process}/children").split()]
    return [*children, *(one for child in children for one in below(child))]


def test_secrets_reach_the_process_of_a_job_and_no_worker(
    postgres: str, slow: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(postgres).set(password=PASSWORD).render_as_string(hide_password=False)
    stores = dict.fromkeys(("SLOTFORGE_STORE", "SLOTFORGE_SERVE_STORE"), url)
    for name, value in {"OPENAI_API_KEY": KEY, "PGPASSWORD": PASSWORD, **stores}.items():
        monkeypatch.setenv(name, value)
    with open_store(url) as store, serving(queue := Queue(store)) as supervisor:
        job = queue.submit(slow, owner="ann").id
        wait(lambda: len(store.trials(job)) > 8)
        (runner,) = (one.process.pid for one in supervisor._driven)
        workers = wait(lambda: [one for child in below(runner) for one in below(child)])
        assert KEY in environment(runner)
        assert url not in environment(runner)
        for process in (runner, *below(runner)):
            assert PASSWORD not in environment(process, words="cmdline")
        for worker in workers:
            assert environment(worker)
            assert PASSWORD not in environment(worker)
            assert KEY not in environment(worker)
        queue.wish(job, "cancel")
        wait(lambda: queue.job(job).state == "cancelled")
    said = log.path(job).read_text()
    assert "to cancel" in said
    assert PASSWORD not in said


def test_a_server_tells_what_compiles_and_runs_candidates_in_the_words_of_its_runs(copied: Any) -> None:
    with open_store(copied.store) as store, serving(Queue(store)):
        (server,) = wait(lambda: servers.servers(store))
    told = worker.domain("sat").environment()
    assert {name: server.facts[name] for name in ("compiler", "engine")} == {
        name: told[name] for name in ("compiler", "engine")
    }


def test_a_server_without_a_compiler_works_all_the_same(copied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise BuildError("there is none")

    monkeypatch.setattr("slotforge.solvers.sat.compiler.compiler", missing)
    monkeypatch.setattr(supervisor, "_builds", supervisor._builds.__wrapped__)
    with open_store(copied.store) as store, serving(Queue(store)):
        (server,) = wait(lambda: servers.servers(store))
    assert "compiler" not in server.facts
    assert server.facts["engine"]


def test_a_confirmation_ends_with_its_verdict_kept_once(copied: Any) -> None:
    with open_store(copied.store) as store, serving(queue := Queue(store)):
        before = len(queries.show_candidate(store, copied.winner).confirmations)
        wanted = ConfirmConfig(candidate=copied.winner, instances=("hills",), per_family=12, executor="inline")
        job = done(queue, wanted)
        kept = queries.show_candidate(store, copied.winner).confirmations[before:]
        assert job.state == "finished", job.why
        assert len(kept) == 1
        assert job.result is not None
        assert job.result["candidate"] == copied.winner
        assert job.result["ratio"] == kept[0].verdict.ratio


def test_a_job_leaves_nothing_that_is_temporary(copied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:  # a path that is short enough for sockets
        monkeypatch.setenv("TMPDIR", temporary)
        with open_store(copied.store) as store, serving(queue := Queue(store)) as supervisor:
            for executor in ("inline", "process"):
                assert done(queue, hills.config(executor=executor, budget=Budget(evals=3))).state == "finished"
            wait(lambda: not supervisor._driven)
        assert os.listdir(temporary) == []


def test_a_job_that_cannot_succeed_fails_at_once_and_says_why(copied: Any) -> None:
    with open_store(copied.store) as store, serving(queue := Queue(store)):
        wanted: list[tuple[RunConfig | ConfirmConfig, str]] = [
            (ConfirmConfig(candidate="0" * 16, instances=("hills",)), "no candidate '0000000000000000'"),
            (hills.config(slots=("nothing",), budget=Budget(evals=1)), "no slot called 'nothing'"),
        ]
        for config, why in wanted:
            job = done(queue, config)
            assert job.state == "failed"
            assert why in job.why


WRITER = """
import logging, os, subprocess, sys, time
from slotforge.service.jobs import log
with log.kept("job1"):
    for number in range(2_500):
        told = f"line {number} of a log that grows: {os.environ['OPENAI_API_KEY']} {'.' * 1000}"
        logging.getLogger("slotforge.jobs").info("%s", told)
    subprocess.run([sys.executable, "-c", "print('said by a child')"])
    while "said by a child" not in log.path("job1").read_text():
        time.sleep(0.02)
"""


def test_a_log_is_bounded_holds_what_children_say_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    subprocess.run([sys.executable, "-c", WRITER], check=True, timeout=WAIT_S)
    files = sorted(log.path("job1").parent.iterdir())
    assert [file.name for file in files] == ["job1.log", "job1.log.1"]
    assert all(file.stat().st_size <= log.MOST_BYTES for file in files)
    assert KEY not in "".join(file.read_text() for file in files)
    assert "line 2499 of a log" in log.path("job1").read_text()
    told = log.tail("job1", 5000)
    assert told.cut
    assert len(told.text.encode()) <= 5000
    assert told.text.splitlines()[-1].endswith("said by a child")
    assert KEY not in log.tail("job1", 4 * log.MOST_BYTES).text


CHATTER = """
import os, sys, time
from slotforge.service.jobs import log
with log.kept("job3"):
    key = os.environ["OPENAI_API_KEY"]
    for room in range(max(0, log.LONGEST_LINE - len(key) - 1), log.LONGEST_LINE + 1, 1 + len(key) // 100):
        os.write(1, f"{'.' * room}{key}\\n".encode())
    os.write(1, f"{'.' * (log.WINDOW - 2000)}{'k' * 1000}{key}{key}{key}{'.' * log.WINDOW}{key}\\n".encode())
    os.write(2, f"{key * (2 * log.WINDOW // len(key))}\\n".encode())
    os.write(2, b"the last one")
    os.close(1)
    os.close(2)
    while "the last one" not in log.path("job3").read_text():
        time.sleep(0.02)
"""


@pytest.mark.parametrize("key", [KEY, "-".join(f"part-{number}-of-a-long-key" for number in range(100))])
def test_a_secret_in_a_line_that_is_too_long_is_hidden_wherever_that_is_cut(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    subprocess.run([sys.executable, "-c", CHATTER], check=True, timeout=WAIT_S)
    said = log.path("job3").read_text()
    assert key[:10] not in said
    assert key[-10:] not in said
    assert max(map(len, said.splitlines())) <= log.LONGEST_LINE
    assert said.endswith("the last one\n")


def test_the_end_of_a_log_is_whole_lines_without_folders_and_secrets_whoever_wrote_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    file = log.path("job2")
    with pytest.raises(UnknownId, match="no log of job job2 on this server"):
        log.tail("job2")
    file.parent.mkdir(parents=True)
    file.with_name("job2.log.1").write_text("first\n")
    file.write_text(f"in {home()}/builds with {KEY}\nlast\n")
    assert log.tail("job2").text == "first\nin $SLOTFORGE_HOME/builds with [hidden]\nlast\n"
    assert not log.tail("job2").cut
    assert log.tail("job2", 7) == log.JobLog(job="job2", text="last\n", cut=True)


def test_a_server_without_the_api_logs_lines_of_json_as_the_service_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slotforge.service.jobs.supervisor", "--store", str(tmp_path / "s.db")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said = json.loads(server.stderr.readline())
        server.terminate()
    assert (said["level"], said["logger"]) == ("info", "slotforge.jobs")
    assert "takes jobs" in said["text"]
