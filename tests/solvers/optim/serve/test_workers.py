"""Candidates answer, fail and are killed, each for itself."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from slotforge.core.errors import SandboxError
from slotforge.solvers.optim.serve import workers as module
from slotforge.solvers.optim.serve.room import alive


def test_an_answer_comes_back_with_its_cost_and_level(do, most):
    reply = do("echo", {"a": [1, 2.5, "x"]})
    assert (reply.outcome, reply.answer) == ("answered", {"said": {"a": [1, 2.5, "x"]}})
    assert 0 < reply.cpu_s < 1
    assert reply.sandbox_level == most


def test_a_candidate_remembers_and_another_does_not_know(do):
    assert [do("count", candidate="r").answer["said"] for _ in range(3)] == [1, 2, 3]
    assert do("count", candidate="s").answer["said"] == 1


def test_those_asked_least_recently_make_room(do):
    most = alive("cpu")
    names = [f"room{i}" for i in range(most)]
    assert [do("count", candidate=name).answer["said"] for name in [*names, names[0]]] == [1] * most + [2]
    do("count", candidate="one more")
    assert do("count", candidate=names[0]).answer["said"] == 3
    assert do("count", candidate=names[1]).answer["said"] == 1


def test_answers_are_equal_in_every_process_and_in_double_precision(do):
    first, second = (do("svd", 12, candidate=name).answer for name in ("x", "y"))
    assert first == second
    assert do("precision").answer["said"] == "float64"


def test_a_process_that_stands_still_is_asked_again_and_given_up_long_before_its_limit(toys):
    workers = toys(still_s=0.5)
    workers.do("echo", 1)  # so that it has started
    began = time.monotonic()
    reply = workers.do("sleep", wall_s=300)
    assert (reply.outcome, reply.reason) == ("timeout", "no CPU time used in 0.5 s")
    assert 1 < time.monotonic() - began < 60  # two processes


@pytest.mark.parametrize("what", ["loop", "compiled loop", "sleep"])
def test_what_takes_too_long_is_killed_and_the_next_is_served(do, what):
    start = time.monotonic()
    reply = do(what, candidate="slow", wall_s=1)
    assert (reply.outcome, reply.reason) == ("timeout", "no answer within 1 s")
    assert 1 <= time.monotonic() - start < 30
    assert do("echo", 1, candidate="next").outcome == "answered"
    assert do("count", candidate="slow").answer["said"] == 1


def test_cpu_time_is_limited_by_itself(do):
    reply = do("compiled loop", cpu_s=0.5)
    assert (reply.outcome, reply.reason) == ("timeout", "no answer within 0.5 CPU seconds")
    assert 0.5 <= reply.cpu_s < 1


@pytest.mark.parametrize(("what", "size"), [("hoard", None), ("compiled hoard", 30_000)])
def test_a_memory_bomb_meets_its_limit(do, what, size):
    reply = do(what, size, candidate="hungry", memory_mb=512)
    assert reply.outcome == "memory"
    assert do("echo", 1, candidate="next").outcome == "answered"


def test_a_crash_leaves_the_others_alive(do):
    do("count", candidate="bystander")
    before = do("count", candidate="bystander").answer["said"]
    for what in ("abort", "exit"):
        assert do(what, candidate="crashing").outcome == "crash"
    assert do("exit", candidate="crashing").reason == "it exited with status 3"
    assert do("count", candidate="bystander").answer["said"] == before + 1


def test_what_is_raised_is_told_in_one_line(do):
    assert (do("raise").outcome, do("raise").reason) == ("crash", "ValueError: two lines")
    assert (do("refuse").outcome, do("refuse").reason) == ("refused", "line 3: no loops")
    assert do("leave").outcome == "crash"
    assert "not JSON serializable" in do("object").reason


@pytest.mark.parametrize(
    ("what", "size", "reason"),
    [
        ("large", 33 << 20, "it said more than 32 MiB"),
        ("babble", None, "it said more lines than it was asked for"),
        ("gibberish", None, "what it said is no answer"),
    ],
)
def test_an_answer_that_is_none_is_a_crash(do, what, size, reason):
    reply = do(what, size, candidate=what)
    assert (reply.outcome, reply.reason) == ("crash", reason)
    assert do("echo", 1).outcome == "answered"


def test_a_reason_is_fit_to_be_shown(do):
    reply = do("mock", candidate="mock")
    assert (reply.outcome, reply.answer) == ("refused", {})
    assert reply.reason == "[2J " + "x" * 296


def test_megabytes_pass_both_ways(do):
    text = "0123456789" * 400_000
    assert do("echo", text).answer["said"] == text


def test_workers_stand_side_by_side_and_threads_may_share_them(toys):
    both = [toys(), toys()]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda i: both[i % 2].do("echo", i), range(12)))
    assert [reply.answer["said"] for reply in replies] == list(range(12))
    both[0].close()
    both[0].close()
    assert both[1].do("echo", 1).outcome == "answered"
    assert both[0].do("echo", 1).outcome == "answered"


def test_the_sandbox_starts_again_after_it_died(toys):
    workers = toys()
    assert workers.do("count").answer["said"] == 1
    workers._session.kill()
    assert workers.do("count").answer["said"] == 1


def test_a_sandbox_that_hangs_is_given_up(toys, monkeypatch):
    monkeypatch.setattr(module, "GRACE_S", -29.0)
    reply = toys().do("sleep")
    assert (reply.outcome, reply.reason) == ("timeout", "the sandbox did not answer")


def test_what_is_no_json_leaves_nothing_half_asked(toys):
    workers = toys()
    with pytest.raises(TypeError):
        workers.do("echo", object())
    assert workers.do("echo", 1).answer["said"] == 1


def test_a_missing_module_is_said_at_the_first_ask(toys):
    with pytest.raises(SandboxError, match="No module named 'absent'"):
        toys("absent:answer").do("echo")


def test_a_sandbox_that_cannot_start_says_so_each_time(toys, monkeypatch):
    workers = toys()
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    for _ in range(2):
        with pytest.raises(SandboxError, match="/nonexistent/python"):
            workers.do("echo")
    monkeypatch.undo()
    assert workers.do("echo", 1).outcome == "answered"


def test_a_backend_that_is_awake_cannot_be_forked(toys, tmp_path):
    (tmp_path / "early.py").write_text("import jax\nONE = jax.numpy.ones(1)\ndef answer(ask): return {}\n")
    with pytest.raises(SandboxError, match="computes with JAX when it is imported"):
        toys("early:answer", paths=[tmp_path]).do("echo")


def test_a_graphics_card_needs_the_unsafe_level(toys, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(SandboxError, match="--allow-unsafe-sandbox"):
        toys().do("echo")


def test_the_unsafe_level_serves_where_it_is_allowed(toys):
    with pytest.raises(SandboxError, match="--allow-unsafe-sandbox"):
        toys(max_level=0).do("echo")
    reply = toys(max_level=0, allow_unsafe=True).do("echo", 1)
    assert (reply.outcome, reply.sandbox_level) == ("answered", 0)


def test_each_process_has_its_own_workers(monkeypatch, tmp_path):
    """It forks in a process of its own, where no thread of JAX can hold a lock that the child would wait for."""
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))
    forks = f"""
import os
from {module.__name__} import workers
here = workers()
assert here is workers()
if (pid := os.fork()) == 0:
    os._exit(workers() is here)
assert os.waitpid(pid, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", forks], check=True, timeout=120)
