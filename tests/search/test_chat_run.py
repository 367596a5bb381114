"""Whole runs of the SAT domain with a chat model that gives good and bad answers, through the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import Budget, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.report import Report
from slotforge.solvers.sat.slot import slots
from slotforge.testing import landscape
from slotforge.testing.fake_chat import FakeChat, Reply, failure, serve
from slotforge.testing.watch import Watch

KEY = "sk-planted-0123456789abcdef"
MAIN = "from slotforge.service.cli import main; main()"
ALONE = ("--tune-share", "0", "--no-tuned-baseline", "--no-library")  # the search and nothing besides
OPTIONS = (
    "--slots",
    "score_clauses",
    "--evals",
    "9",
    "--seed",
    "1",
    "--window",
    "1",
    "--per-family",
    "6",
    "--json",
    *ALONE,
)


def code(body: str, *, slot: str = "score_clauses", before: str = "", members: str = "") -> str:
    """Write an answer as a chat model would."""
    return (
        f"Old clauses of high glue are worth little.\n\n```cpp\n// slot: {slot}\n{before}struct ScoreClauses {{\n"
        "    double operator()(const View &view, std::span<const LearnedClause> clauses, std::span<double> worth) {\n"
        f"        {body}\n    }}\n{members}}};\n```\n"
    )


def honest(number: int) -> str:
    keep = "for (std::size_t i = 0; i < worth.size(); ++i) worth[i] = -static_cast<double>(clauses[i].glue);"
    return code(f"{keep}\n        return view.conflicts > 0 ? {0.5 + number / 40} : 0.0;")


PROSE = "Keep clauses of low glue. Shall I write it?"
BROKEN = code("return view.glue;")
ENDLESS = code("for (;;) count_ += 1.0;\n        return 0.5;", members="    double count_ = 0;\n")
BEYOND = code("for (std::size_t i = 0; i < 100; ++i) worth[worth.size() + i] = 1;\n        return 0.5;")
INCLUDE = code('std::ifstream("/etc/passwd");\n        return 0.5;', before="#include <fstream>\n")
ASSEMBLY = code('asm(".incbin /etc/passwd");\n        return 0.5;')
BUFFER = code("std::basic_filebuf<char> file;\n        return 0.5;")
UNCHANGED = f"```\n{slots()['score_clauses'].default}```\n"
MISNAMED = code("return 0.5;", slot="score_clause")

# number of the trial -> the answers in order, how it ends, and why
TRIALS: Mapping[int, tuple[tuple[str, ...], TrialState | None, str]] = {
    1: ((PROSE, BROKEN, honest(1)), None, ""),
    2: ((PROSE,) * 3, TrialState.FAILED, "holds no code: expected a fenced block"),
    3: ((BROKEN,) * 3, TrialState.FAILED, "line 3: cannot convert"),
    4: ((ENDLESS,), TrialState.TIMEOUT, "loops"),
    5: ((INCLUDE, ASSEMBLY, BUFFER), TrialState.REJECTED, "basic_filebuf<char> is not among the names"),
    6: ((BEYOND,), TrialState.FAILED, "signal"),
    7: ((UNCHANGED, honest(1), honest(1)), TrialState.REJECTED, "the same as trial 1"),
    8: ((MISNAMED, honest(8)), None, ""),
    9: ((honest(9),), None, ""),
}
TOLD = {  # what the model is told of its mistakes
    1: ["holds no code", "line 3: cannot convert"],
    5: ["includes are not allowed", "assembly is not allowed"],
    7: ["the same as the unchanged solver"],
    8: ["found: 'score_clause'"],
}


def place(request: Mapping[str, Any]) -> tuple[int, int]:
    """Return the number of the trial that a request is about, and how many answers it has had."""
    texts = [message["content"] for message in request["messages"]]
    found = re.search(r"Proposal (\d+)\.$", texts[-1])
    assert found, texts[-1]
    return int(found[1]), sum(message["role"] == "assistant" for message in request["messages"])


def answer(request: Mapping[str, Any]) -> str:
    number, answered = place(request)
    return TRIALS[number][0][answered]


class Home:
    """A folder of slotforge's, and its command line with a planted key."""

    def __init__(self, folder: Path, builds: Path) -> None:
        self.folder = folder
        (folder / "builds").symlink_to(builds)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command."""
        environment = {**os.environ, "SLOTFORGE_HOME": str(self.folder), "OPENAI_API_KEY": KEY}
        command = [sys.executable, "-c", MAIN, *arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> tuple[Any, str]:
        """Run a command to its end; return the document that it prints and what it tells besides."""
        document, told = (job := self.start(*arguments)).communicate()
        assert job.returncode == 0, told
        return json.loads(document), told

    def discover(self, model: str, *options: str) -> tuple[Any, str]:
        return self.run("discover", "sat", "--instances", "sgen:19", "--model", model, *OPTIONS, *options)

    def trials(self, run: str) -> Mapping[int, Trial]:
        with open_store(self.folder / "slotforge.db") as store:
            return store.trials(run)


def archive(trials: Mapping[int, Trial]) -> list[tuple[object, ...]]:
    return [(n, t.candidate and t.candidate.id, t.state, t.ratio, t.reason) for n, t in sorted(trials.items())]


class Course:
    """One run with the good and the bad answers, and what was seen of it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        with serve(answer) as server:
            url = ("--model", "openai:any", "--base-url", server.url)
            job = home.start("discover", "sat", "--instances", "sgen:19", *url, *OPTIONS)
            self.watch = Watch(job.pid, KEY)
            with self.watch.meanwhile():
                document, self.told = job.communicate()
            self.requests = server.requests
        assert job.returncode == 0, self.told
        self.report = json.loads(document)
        self.trials = home.trials(self.report["run"])


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> Course:
    return Course(Home(tmp_path_factory.mktemp("home"), builds))


@pytest.mark.parametrize("number", TRIALS)
def test_an_answer_is_recorded_and_repaired_or_refused_with_a_reason(course: Course, number: int) -> None:
    answers, state, reason = TRIALS[number]
    trial = course.trials[number]
    assert tuple(call.completion.text for call in trial.calls) == answers
    assert trial.state in ((state,) if state else (TrialState.SCORED, TrialState.RACED_OUT))
    assert reason in trial.reason
    assert all(call.completion.output_tokens for call in trial.calls)
    told = [call.prompt.messages[-1][1] for call in trial.calls[1:]]
    assert all(mistake in prompt for mistake, prompt in zip(TOLD.get(number, []), told, strict=False))


def test_a_run_with_bad_answers_ends_with_the_whole_document(course: Course) -> None:
    report = Report.model_validate(course.report)
    assert report.state == "finished"
    assert report.trials == 9
    assert sum(report.states.values()) == 9
    assert report.holdout is not None
    assert report.holdout.instances > 0
    assert "baseline" in report.controls
    assert report.cost.tokens == 120 * len(course.requests)  # as the server counts
    assert set(report.best.slots) <= {"score_clauses"}


def test_a_key_reaches_neither_files_nor_output_nor_the_processes_that_candidates_run_in(
    course: Course, builds: Path
) -> None:
    told = [json.dumps(course.report), course.told, *(json.dumps(request) for request in course.requests)]
    assert not any(KEY in text for text in told)
    files = [path for path in (*course.home.folder.rglob("*"), *builds.glob("*.*")) if path.is_file()]
    assert {".db", ".so"} <= {path.suffix for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert "slotforge-sat" in course.watch.seen
    assert course.watch.leaks == set()


def test_a_replay_of_the_run_or_of_its_file_reaches_the_same_archive(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    rows = ({"messages": request["messages"], "answer": answer(request)} for request in course.requests)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for model in (f"replay:{course.report['run']}", f"replay:{file}"):
        report, _ = course.home.discover(model)
        assert archive(course.home.trials(report["run"])) == archive(course.trials)
        assert report["best"] == course.report["best"]


def test_a_run_that_is_killed_asks_for_no_answer_twice(course: Course, tmp_path: Path, builds: Path) -> None:
    home = Home(tmp_path, builds)
    jobs: list[subprocess.Popen[str]] = []
    asked: Counter[tuple[int, int]] = Counter()

    def kill_twice(request: Mapping[str, Any]) -> str:
        asked[place(request)] += 1
        if asked.total() in (4, 9):  # this answer does not arrive
            jobs[-1].kill()
            jobs[-1].wait()
        return answer(request)

    with serve(kill_twice) as server:
        url = ("--model", "openai:any", "--base-url", server.url)
        jobs.append(home.start("discover", "sat", "--instances", "sgen:19", *url, *OPTIONS))
        run = re.search(r"run (\w+)", jobs[-1].communicate()[1])
        assert run
        jobs.append(home.start("resume", run[1], "--json"))
        jobs[-1].communicate()
        report, _ = home.run("resume", run[1], "--json")
    assert archive(home.trials(run[1])) == archive(course.trials)
    assert report["best"] == course.report["best"]
    assert sorted(asked.values()) == [1] * (len(course.requests) - 2) + [2, 2]


def test_a_run_whose_model_was_down_goes_on_with_every_trial_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    refused: set[int] = set()

    def numbers(request: Mapping[str, Any]) -> Reply | str:
        number, _ = place(request)
        if number in refused:
            return failure(401, f"Incorrect API key provided: {KEY}")
        return f"```\n// slot: alpha\n0.{number}1\n```"

    def run(server: FakeChat, file: str, run_id: str = "") -> tuple[Report, list[tuple[object, ...]]]:
        config = RunConfig(
            domain=landscape.NAME,
            instances=("a", "b"),
            slots=("alpha",),
            model="openai:any",
            base_url=server.url,
            budget=Budget(evals=9),
            executor="inline",
            options={"per_family": 10},
        )
        with open_store(tmp_path / file) as store:
            report = Discovery(config=config, store=store, run_id=run_id).run()
            return report, archive(store.trials(report.run))

    with serve(numbers) as server:
        refused.add(2)
        _, expected = run(server, "whole.db")
        refused |= {4, 5, 6}
        broken, kept = run(server, "down.db")
        assert broken.state == "interrupted"
        kept = [trial for trial in kept if trial[0] >= 0]
        assert [number for number, *_ in kept] == [0, 1, 2, 3]
        assert kept == [trial for trial in expected if trial[0] in range(4)]
        refused -= {4, 5, 6}
        report, trials = run(server, "down.db", broken.run)
    assert report.state == "finished"
    assert trials == expected
    assert "401" in str(kept[2])
    assert KEY not in str(kept)
