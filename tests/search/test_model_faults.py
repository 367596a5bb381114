"""Whole runs with a server that fails in every way: they end within the budget, say why, and show no key."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.chat_models import SimpleChatModel

from slotforge.core.errors import ModelError
from slotforge.core.types import Budget, RunConfig, Trial
from slotforge.lineage.queries import usage
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.search.proposers import _breaker, _retry, chat
from slotforge.search.report import Report
from slotforge.service.cli._driver import drive
from slotforge.testing import hills
from slotforge.testing.fake_chat import FakeChat, Reply, failure, garbage, half, hang, huge, serve
from slotforge.testing.watch import Watch

KEY = "sk-planted-0123456789abcdef"
PLAIN = "planted and like no key at all"  # so that its name alone gives it away
SMALL = {"per_family": 10, "tuned_baseline": False}
TOKENS = 400_000  # enough for some answers that may have been billed in full, and not for all
FAULTS: Mapping[str, tuple[Reply, str]] = {
    "busy": (failure(429, f"slow down, {KEY}"), "429"),
    "broken": (failure(500, f"boom {KEY}"), "boom [hidden]"),
    "garbage": (garbage(), "no chat completion"),
    "nothing": (garbage(b"", "application/json"), "no chat completion"),
    "half an answer": (half(), "broke off"),
    "half a stream": (half(chunked=True), "broke off"),
    "silent": (hang(4.0), "no answer in time"),
}
LASTING = {**FAULTS, "until the time is over": (failure(500, f"boom {KEY}", retry_after="3600"), "boom [hidden]")}
UNREADABLE: Mapping[str, tuple[Reply, str]] = {
    "empty": (Reply(text=""), "the answer is empty"),
    "10 MB": (huge(), "the answer holds no code"),
}


class Noting(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def number_of(request: Mapping[str, Any]) -> int:
    return int(request["messages"][-1]["content"].rpartition("Proposal ")[2].rstrip("."))


def good(request: Mapping[str, Any]) -> str:
    return f"Higher.\n\n```\n// slot: alpha\n{0.6 + number_of(request) / 100}\n```"


def config(server: FakeChat | str, evals: int = 6, **changes: Any) -> RunConfig:
    url = server if isinstance(server, str) else server.url
    usual: dict[str, Any] = {"slots": ("alpha",), "model": "openai:gpt-4o", "base_url": url, "options": SMALL}
    return hills.config(**{**usual, "budget": Budget(evals=evals, tokens=TOKENS, usd=5), **changes})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A planted key, and pauses of milliseconds."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_retry, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(_breaker.Breaker, "_next_pause", lambda _: 0.001)


def discover(path: Path, made: RunConfig, run: str = "") -> tuple[Report, Mapping[int, Trial], list[str]]:
    observer = Noting()
    with open_store(path) as store:
        report = Discovery(config=made, store=store, observer=observer, run_id=run).run()
        spent = usage(store, report.run)
        assert report.cost.tokens == spent.input_tokens + spent.output_tokens + spent.unanswered_tokens
        return report, {n: t for n, t in store.trials(report.run).items() if n > 0}, observer.notes


def outcome(trials: Mapping[int, Trial]) -> list[tuple[object, ...]]:
    return [(n, t.candidate, t.ratio, t.parents, t.calls and t.calls[-1].completion.model) for n, t in trials.items()]


@pytest.mark.parametrize("name", LASTING)
def test_a_run_whose_server_always_fails_ends_soon_within_the_budget_and_says_why(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, why = LASTING[name]
    budget = Budget(evals=6, tokens=TOKENS, usd=5)
    if name == "silent":
        monkeypatch.setenv("SLOTFORGE_MODEL_TIMEOUT", "0.3")
    if name == "until the time is over":
        import_module("langchain_openai")  # which takes time
        budget = budget.model_copy(update={"time_s": 10.0})
    begin = time.monotonic()
    with serve([reply]) as server:
        report, trials, notes = discover(tmp_path / "s.db", config(server, window=1, budget=budget))
        asked = len(server.requests)
    assert time.monotonic() - begin < 120
    assert report.state == "interrupted"
    assert trials == {}
    assert report.cost.tokens <= TOKENS
    assert report.cost.usd <= 5
    assert report.failure.startswith(server.url)
    assert why in report.failure
    if name == "until the time is over":
        assert "; the time is over" in report.failure
    elif name in ("busy", "broken"):
        assert f"({chat.Settings.tries} tries)" in report.failure
        assert asked == 3 * chat.Settings.tries
        assert report.cost.tokens == 0  # a server that refuses bills nothing
    else:
        assert report.cost.tokens > 0  # it may have billed what it did not answer
    assert KEY not in report.model_dump_json() + "".join(notes)


@pytest.mark.parametrize("name", [*FAULTS, *UNREADABLE])
def test_a_run_whose_server_fails_now_and_then_is_finished_within_the_budget(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "silent":
        monkeypatch.setenv("SLOTFORGE_MODEL_TIMEOUT", "2")
    reply, _ = {**FAULTS, **UNREADABLE}[name]
    asked: Counter[int] = Counter()

    def script(request: Mapping[str, Any]) -> Reply | str:
        number = number_of(request)
        asked[number] += 1
        return reply if number % 3 == 0 and asked[number] == 1 else good(request)

    with serve(script) as server:
        report, trials, _ = discover(tmp_path / "s.db", config(server))
    assert (report.state, report.trials) == ("finished", 6)
    assert [trial.calls[-1].completion.model for trial in trials.values()] == ["openai:gpt-4o"] * 6
    assert all(trial.ratio for trial in trials.values())
    assert 0 < report.cost.tokens <= TOKENS
    assert report.holdout is not None


@pytest.mark.parametrize("name", UNREADABLE)
def test_answers_that_cannot_be_read_are_failures_with_a_reason_and_are_paid_for(name: str, tmp_path: Path) -> None:
    reply, why = UNREADABLE[name]
    with serve([reply]) as server:
        report, trials, _ = discover(tmp_path / "s.db", config(server, evals=2))
        assert report.cost.tokens == 120 * len(server.requests)
    assert (report.state, dict(report.states)) == ("finished", {"failed": 2})
    assert all(why in trial.reason for trial in trials.values())
    assert sum(path.stat().st_size for path in tmp_path.glob("s.db*")) < 20_000_000


class Deaf(SimpleChatModel):
    """A model of a provider that knows no asynchronous calls, whose server takes questions and says nothing."""

    _llm_type = "deaf"

    def _call(self, *_: Any, **__: Any) -> str:
        time.sleep(600)
        return "late"


def test_a_model_that_is_called_in_threads_and_hangs_ends_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTFORGE_MODEL_TIMEOUT", "0.3")
    monkeypatch.setattr(chat, "_model", lambda *_: Deaf())
    begin = time.monotonic()
    report, _, _ = discover(tmp_path / "s.db", config("http://127.0.0.1:9/v1", model="deaf:gpt-4o", window=1))
    assert time.monotonic() - begin < 120
    assert "no answer in time (5 tries)" in report.failure


def test_the_account_of_a_server_that_is_down_names_it_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve([failure(500, "boom")]) as server:
        with pytest.raises(ModelError, match=rf"does not answer \({server.url} .*boom.*slotforge resume \w+"):
            drive(open_store(tmp_path / "s.db"), config(server), as_json=True)
        document = json.loads(capsys.readouterr().out)
    assert document["state"] == "interrupted"
    assert document["failure"].startswith(server.url)


def test_while_a_server_is_down_variation_answers_and_the_run_is_finished(tmp_path: Path) -> None:
    down = {"options": {**SMALL, "when_down": "offline"}}
    with serve([failure(500)]) as server:
        report, trials, _ = discover(tmp_path / "s.db", config(server, 8, window=1, **down))
        wrote = [trial.calls[-1].completion.model if trial.calls else "" for trial in trials.values()]
        assert wrote == ["offline"] * 8
        assert report.state == "finished"
        assert report.models == {"offline": 8}
        again, replayed, _ = discover(
            tmp_path / "s.db", config(server, 8, window=1, model=f"replay:{report.run}", **down)
        )
    assert again.best == report.best
    assert [t.candidate for t in replayed.values()] == [t.candidate for t in trials.values()]
    assert again.cost.tokens == 0


def test_a_run_goes_from_the_model_to_variation_and_back_and_resumes_as_if_it_had_not_been_interrupted(
    tmp_path: Path,
) -> None:
    down = {"options": {**SMALL, "when_down": "offline"}}

    def script(request: Mapping[str, Any]) -> Reply | str:
        return failure(500) if 3 <= number_of(request) <= 6 else good(request)

    with serve(script) as server:
        made = config(server, 10, window=1, **down)
        report, trials, _ = discover(tmp_path / "s.db", made)
        asked = len(server.requests)
        short = made.model_copy(update={"budget": Budget(evals=7)})
        half_way, _, _ = discover(tmp_path / "half.db", short)
        resumed, rest, _ = discover(tmp_path / "half.db", made, half_way.run)
    wrote = [trial.calls[-1].completion.model if trial.calls else "" for trial in trials.values()]
    assert wrote == ["openai:gpt-4o"] * 2 + ["offline"] * 4 + ["openai:gpt-4o"] * 4
    assert asked > 10
    assert report.models == {"openai:gpt-4o": 6, "offline": 4}
    assert outcome(rest) == outcome(trials)
    assert resumed.best == report.best


def test_a_run_waits_for_a_server_that_is_down_and_loses_no_trial(tmp_path: Path) -> None:
    refusals = 2 * chat.Settings.tries + 7

    def script(request: Mapping[str, Any]) -> Reply | str:
        return failure(503) if len(server.requests) <= refusals else good(request)

    with serve(script) as server:
        waits = {"options": {**SMALL, "when_down": "wait"}}
        report, trials, _ = discover(tmp_path / "s.db", config(server, window=1, **waits))
    assert (report.state, "failed" in report.states) == ("finished", False)
    assert all(trial.calls for trial in trials.values())


def test_an_ensemble_on_servers_that_are_all_down_goes_on_without_them(tmp_path: Path) -> None:
    down = {"options": {**SMALL, "when_down": "offline"}, "model": "openai:gpt-4o,openai:gpt-4o-mini"}
    with serve([failure(500)]) as server:
        report, trials, _ = discover(tmp_path / "s.db", config(server, 8, window=1, **down))
    assert report.state == "finished"
    assert all(trial.calls[-1].completion.model == "offline" for trial in trials.values())


@pytest.mark.parametrize("status", [401, 429, 500])
@pytest.mark.parametrize("when", ["stop", "wait", "offline"])
def test_while_one_of_two_models_does_not_answer_the_other_does_and_no_trial_is_lost(
    status: int, when: str, tmp_path: Path
) -> None:
    def script(request: Mapping[str, Any]) -> Reply | str:
        return failure(status, "not today") if request["model"] == "gpt-4.1" else good(request)

    made = config("", 12, model="openai:gpt-4.1,openai:gpt-4o", options={**SMALL, "when_down": when})
    with serve(script) as server:
        report, trials, _ = discover(tmp_path / "s.db", made.model_copy(update={"base_url": server.url}))
        asked = Counter(request["model"] for request in server.requests)
        again, replayed, _ = discover(tmp_path / "s.db", made.model_copy(update={"model": f"replay:{report.run}"}))
    assert (report.state, report.failure, report.models) == ("finished", "", {"openai:gpt-4o": 12})
    assert "failed" not in report.states
    assert asked["gpt-4.1"] > 0
    assert [t.candidate for t in replayed.values()] == [t.candidate for t in trials.values()]
    assert again.best == report.best


def test_a_run_in_which_another_model_stood_in_is_the_same_when_it_is_resumed(tmp_path: Path) -> None:
    def script(request: Mapping[str, Any]) -> Reply | str:
        number = number_of(request)
        return failure(500) if request["model"] == "gpt-4.1" and number > 3 else good(request)

    with serve(script) as server:
        made = config(server, 14, model="openai:gpt-4.1,openai:gpt-4o", window=2)
        report, trials, _ = discover(tmp_path / "s.db", made)
        part, _, _ = discover(tmp_path / "half.db", made.model_copy(update={"budget": Budget(evals=8)}))
        resumed, rest, _ = discover(tmp_path / "half.db", made, part.run)
    assert outcome(rest) == outcome(trials)
    assert (resumed.best, resumed.models) == (report.best, report.models)
    assert 0 < report.models["openai:gpt-4.1"] <= 3


def test_a_run_whose_models_all_refuse_names_each_and_ends(tmp_path: Path) -> None:
    made = {"model": "openai:gpt-4.1,openai:gpt-4o", "options": {**SMALL, "when_down": "wait"}}
    with serve([failure(401)]) as server:
        report, trials, _ = discover(tmp_path / "s.db", config(server, **made))
    assert (report.state, trials) == ("interrupted", {})
    assert "openai:gpt-4.1" in report.failure
    assert "openai:gpt-4o" in report.failure


def test_a_run_that_waits_ends_with_its_time(tmp_path: Path) -> None:
    begin = time.monotonic()
    with serve([failure(500)]) as server:
        waits = {"options": {**SMALL, "when_down": "wait"}}
        report, _, notes = discover(tmp_path / "s.db", config(server, budget=Budget(time_s=8.0), **waits))
    assert time.monotonic() - begin < 120
    said = ("the time is over", "the time of 8 s is over")  # in the middle of a question, or before the next
    assert report.failure or any(words in note for note in notes for words in said), notes


def test_an_ensemble_asks_the_better_model_more_and_the_same_one_again_when_it_is_resumed(tmp_path: Path) -> None:
    def script(request: Mapping[str, Any]) -> Reply:
        number = number_of(request)
        value = 0.5 + number / 100 if request["model"] == "gpt-4o" else 0.5 - number / 100
        return Reply(text=f"```\n// slot: alpha\n{value}\n```")

    with serve(script) as server:
        start = {"options": {**SMALL, "start": "default"}}
        made = config(server, 40, model="openai:gpt-4.1,openai:gpt-4o", window=2, **start)
        _, trials, _ = discover(tmp_path / "s.db", made)
        asked = Counter(request["model"] for request in server.requests)
        short = made.model_copy(update={"budget": Budget(evals=15)})
        part, _, _ = discover(tmp_path / "half.db", short)
        _, rest, _ = discover(tmp_path / "half.db", made, part.run)
    assert asked["gpt-4o"] > 24 > asked["gpt-4.1"] >= 3
    assert outcome(rest) == outcome(trials)


SCRIPT = """
import logging, sys
from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.proposers import _retry
from pathlib import Path
if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    _retry.FIRST_PAUSE_S = 0.001
    config = RunConfig.model_validate_json(Path(sys.argv[2]).read_text())
    with open_store(sys.argv[1]) as store:
        print(Discovery(config=config, store=store).run().model_dump_json())
"""


@pytest.mark.parametrize(
    ("executor", "key"),
    [("process", KEY), ("process", PLAIN), ("ray", KEY)],
    ids=["process", "process, plain", "ray"],  # the name of a test is in its environment
)
def test_a_planted_key_reaches_no_file_log_prompt_or_worker(
    executor: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server repeats the key wherever it can; the run is a process of its own, and so are its workers."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    replies = iter(
        [f"{key}\n```\n// slot: alpha\n{key}\n```", failure(500, key), failure(429, key), garbage(key.encode())]
    )

    def script(request: Mapping[str, Any]) -> Reply | str:
        return next(replies, None) or good(request)

    (tmp_path / "script.py").write_text(SCRIPT)
    with serve(script) as server:
        made = config(server, executor=executor, workers=1)
        (tmp_path / "config.json").write_text(made.model_dump_json())
        command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "s.db"), str(tmp_path / "config.json")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
            watch = Watch(job.pid, key)
            with watch.meanwhile():
                out, err = job.communicate()
        assert job.returncode == 0, err
        assert all(headers["authorization"] == f"Bearer {key}" for headers in server.headers)
        prompts = json.dumps(server.requests)
    assert Report.model_validate_json(out).state == "finished"
    assert len(err) > 10_000  # at the level of debugging, with what libraries tell
    assert "[hidden]" in prompts  # what the model repeated came back to it in a repair
    assert key not in out + err + prompts
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert watch.seen
    assert watch.leaks == set()


@pytest.mark.parametrize("where", ["_completion", "_form"])
def test_a_traceback_shows_no_key_even_with_the_values_of_all_variables(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(chat.Chat, where, fail)
    if where == "_form":
        monkeypatch.setattr(chat, "fault", fail)
    with serve(good) as server, pytest.raises(RuntimeError, match="a bug") as caught:
        discover(tmp_path / "s.db", config(server))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "ledger = " in shown
    assert KEY not in shown + caplog.text
    assert os.environ["OPENAI_API_KEY"] == KEY
