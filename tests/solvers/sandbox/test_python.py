"""Python in the sandbox: what candidates can do to others, to this machine, and to the answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.solvers.sandbox.python import ALIVE, Pool, pool

INSIDE = "slotforge.solvers.packing.run:answer"
CPU_S = 0.5
ITEMS = {"capacity": 10, "items": [6, 5, 4, 5, 1]}
BEST_FIT = "def priority(item, bins):\n    return item - bins\n"
IMPORT = 'np.__builtins__["__import__"]'  # what no check lets through


@pytest.fixture(scope="module")
def processes() -> Iterator[Pool]:
    made = Pool(INSIDE, cpu_s=CPU_S, memory_mb=1024)
    yield made
    made.close()


def with_body(*lines: str) -> str:
    return "def priority(item, bins):\n" + "".join(f"    {line}\n" for line in lines)


def asked(processes: Pool, source: str, name: str = "") -> tuple[str, str]:
    """Run a source that no check has seen; return the outcome and the reason, or what was answered."""
    reply = processes.ask(name or source, {**ITEMS, "source": source})
    return reply.outcome, reply.reason or str(reply.answer.get("bins"))


def test_a_sound_policy_answers_again_and_again_and_its_time_is_told(processes: Pool) -> None:
    for _ in range(3):
        assert asked(processes, BEST_FIT) == ("answered", "[0, 1, 0, 1, 2]")
    reply = processes.ask(BEST_FIT, {"capacity": 10, "items": [3] * 2000, "source": BEST_FIT})
    assert 0 < reply.cpu_s < CPU_S
    assert reply.sandbox_level >= 1


def test_a_file_cannot_be_read(processes: Pool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1234567890")
    os.chmod(tmp_path, 0o755)
    outcome, said = asked(processes, with_body(f'np.fromfile("{secret}", dtype=np.uint8)', "return item - bins"))
    assert outcome == "crash"
    assert "line 2: " in said


def test_a_file_cannot_be_written(processes: Pool, tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o777)
    outcome, _ = asked(processes, with_body(f'bins.tofile("{tmp_path / "made"}")', "return item - bins"))
    assert outcome == "crash"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "attack",
    [
        f'{IMPORT}("os").fork()',
        f'{IMPORT}("os").system("true")',
        f'{IMPORT}("socket").socket()',
        f'{IMPORT}("os").kill(TESTER, 9)',
        f'{IMPORT}("threading").Thread(target=min).start()',
    ],
)
def test_nothing_outside_can_be_reached_when_the_checks_are_passed_by(processes: Pool, attack: str) -> None:
    done = attack.replace("TESTER", str(os.getpid()))
    outcome, said = asked(processes, with_body(f"done = {done}", "return item - bins + (done != 32512) * 0"))
    assert outcome == "crash" or "system" in attack, said


def test_an_endless_loop_is_ended_by_its_cpu_time(processes: Pool) -> None:
    outcome, said = asked(processes, with_body("while True:", "    item = item + 1"))
    assert (outcome, said) == ("timeout", f"no answer within {CPU_S} CPU seconds")


def test_who_takes_off_the_alarm_is_ended_by_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotforge.solvers.sandbox.python.LIFE", 4)
    made = Pool(INSIDE, cpu_s=0.25, memory_mb=1024)
    signals = f'{IMPORT}("signal")'
    body = (f"{signals}.setitimer({signals}.ITIMER_PROF, 0)", "while True:", "    item = item + 1")
    assert asked(made, with_body(*body))[0] == "timeout"
    made.close()


def test_who_sleeps_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotforge.solvers.sandbox.python.START_S", 2.0)
    monkeypatch.setattr("slotforge.solvers.sandbox.python.SLOWEST", 1.0)
    made = Pool(INSIDE, cpu_s=CPU_S, memory_mb=1024)
    assert asked(made, with_body(f'{IMPORT}("time").sleep(99)')) == ("timeout", "no answer in time")
    made.close()


def test_memory_is_bounded(processes: Pool) -> None:
    assert asked(processes, with_body("return np.ones(10**10)"))[0] == "memory"
    made = Pool(INSIDE, cpu_s=10.0, memory_mb=512)
    assert asked(made, with_body("kept = []", "while True:", "    kept = kept + [np.ones(10**6)]"))[0] == "memory"
    made.close()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return bins[:2]", "must return a number for each bin, not float64 of shape (2,)"),
        ("return [bins, bins]", "must return a number for each bin"),
        ("return None", "must return a number for each bin, not object"),
        ("return bins * 1j", "must return a number for each bin, not complex128"),
        ("return bins * np.nan", "must not return nan"),
        ("return np.where(bins > 6, np.nan, bins)", "must not return nan"),
    ],
)
def test_what_is_no_priority_is_refused(processes: Pool, body: str, said: str) -> None:
    outcome, told = asked(processes, with_body(body))
    assert outcome == "refused"
    assert said in told


def test_an_error_names_its_line(processes: Pool) -> None:
    assert asked(processes, with_body("x = 1", "return bins[len(bins)] + x"))[1].startswith("line 3: IndexError")


@pytest.mark.parametrize(
    "attack",
    [
        'np.__builtins__["print"]("{}", flush=True)',
        'np.__builtins__["print"]("[" * 10**5, flush=True)',
        f'{IMPORT}("os").write(1, b"1")',
        f'{IMPORT}("os")._exit(3)',
        f'{IMPORT}("sys").exit(3)',
    ],
)
def test_who_talks_past_the_protocol_or_leaves_has_crashed(processes: Pool, attack: str) -> None:
    assert asked(processes, with_body(attack, "return item - bins"))[0] == "crash"


def test_one_candidate_cannot_change_another(processes: Pool) -> None:
    changed = with_body("np.argmax = min", "np.flatnonzero = min", "return item - bins")
    asked(processes, changed)
    assert asked(processes, BEST_FIT) == ("answered", "[0, 1, 0, 1, 2]")


def test_a_process_that_died_starts_again(processes: Pool) -> None:
    assert asked(processes, with_body(f'{IMPORT}("os")._exit(3)'), "twice")[0] == "crash"
    assert asked(processes, BEST_FIT, "twice") == ("answered", "[0, 1, 0, 1, 2]")


def test_a_process_is_renewed_before_its_life_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotforge.solvers.sandbox.python.LIFE", 3)
    made = Pool(INSIDE, cpu_s=0.3, memory_mb=1024)
    busy = with_body("for number in range(1000000):", "    x = number", "return item - bins")
    outcomes = {asked(made, busy, "one")[0] for _ in range(8)}
    made.close()
    assert outcomes == {"answered"}


def test_few_processes_are_alive_at_once(processes: Pool) -> None:
    for number in range(ALIVE + 2):
        assert asked(processes, BEST_FIT, f"candidate {number}")[0] == "answered"
    assert len(processes._alive) == ALIVE


def test_threads_may_share_a_pool(processes: Pool) -> None:
    found: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(asked(processes, BEST_FIT, "shared"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("answered", "[0, 1, 0, 1, 2]")] * 4


def test_a_process_has_one_pool_for_each_function() -> None:
    assert pool(INSIDE, cpu_s=1.0, memory_mb=256) is pool(INSIDE, cpu_s=1.0, memory_mb=256)
