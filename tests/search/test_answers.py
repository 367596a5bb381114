"""Whole runs in which a model answers by objects, or by edits of its parent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from numpy.random import Generator

from slotforge.core.errors import BudgetExhausted, BuildError
from slotforge.core.types import (
    Budget,
    Candidate,
    Completion,
    Instance,
    Measurement,
    Prompt,
    Request,
    RunConfig,
    Trial,
    TrialState,
)
from slotforge.lineage.store import open_store
from slotforge.prompts.render import answer
from slotforge.search.discover import Discovery
from slotforge.search.report import Report
from slotforge.service.cli import main
from slotforge.testing import hills, landscape
from slotforge.testing.fake_chat import FakeChat, failure, serve
from slotforge.testing.landscape import NAME, Landscape
from slotforge.testing.strategy_suite import answered_by

SMALL = {"per_family": 10, "tuned_baseline": False}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def discover(path: Path, server: FakeChat, **changes: Any) -> tuple[Report, list[Trial]]:
    url = {"slots": ("alpha",), "model": "openai:any", "base_url": server.url, "budget": Budget(evals=4)}
    made: RunConfig = hills.config(**{**url, "options": SMALL, **changes})
    with open_store(path) as store:
        report = Discovery(config=made, store=store).run()
        return report, [t for n, t in sorted(store.trials(report.run).items()) if n > 0]


def value(request: Mapping[str, Any]) -> float:
    return 0.6 + int(request["messages"][-1]["content"].rpartition(" ")[2].rstrip(".")) / 100


def test_a_run_may_ask_for_objects_and_takes_fences_all_the_same(tmp_path: Path) -> None:
    def script(request: Mapping[str, Any]) -> str:
        if value(request) > 0.625:
            return f"```\n// slot: alpha\n{value(request)}\n```"
        return json.dumps({"idea": "Higher.", "code": {"alpha": str(value(request))}})

    with serve(script) as server:
        report, trials = discover(tmp_path / "s.db", server, options={**SMALL, "answers": "json"})
        assert all(request["response_format"]["type"] == "json_schema" for request in server.requests)
        assert all("One JSON object" in request["messages"][0]["content"] for request in server.requests)
    assert report.state == "finished"
    assert [t.candidate and t.candidate.slots for t in trials] == [{"alpha": f"0.6{n}\n"} for n in range(1, 5)]


def test_a_server_that_knows_no_schema_costs_a_run_one_question(tmp_path: Path) -> None:
    def script(request: Mapping[str, Any]) -> Any:
        if "response_format" in request:
            return failure(400, "unknown field")
        return json.dumps({"code": str(value(request))})

    with serve(script) as server:
        options = {**SMALL, "answers": "json"}
        report, trials = discover(tmp_path / "s.db", server, options=options, window=1)
        assert len(server.requests) == 5
    assert report.state == "finished"
    assert all(trial.ratio for trial in trials)


def test_every_candidate_that_is_run_is_a_trial_and_what_cannot_be_run_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {1: "wrong", 2: "crash", 3: "loop", 4: "broken"}
    runs: Counter[str] = Counter()
    measure = Landscape.measure

    def counting(self: Landscape, candidate: Candidate, instance: Instance, **options: Any) -> Measurement:
        runs[candidate.id] += 1
        return measure(self, candidate, instance, **options)

    def script(request: Mapping[str, Any]) -> str:
        again = request["messages"][-1]["content"].startswith("This answer")
        source = value(request) if again else bad[round(100 * (value(request) - 0.6))]
        return f"```\n// slot: alpha\n{source}\n```"

    monkeypatch.setattr(Landscape, "measure", counting)
    with serve(script) as server:
        report, trials = discover(tmp_path / "s.db", server)
    assert [trial.state for trial in trials[:3]] == [TrialState.WRONG, TrialState.FAILED, TrialState.TIMEOUT]
    assert [len(trial.calls) for trial in trials] == [1, 1, 1, 2]
    assert report.repairs == 1
    failed = [trial for trial in trials if not trial.scored and trial.candidate]
    assert len(failed) >= 3
    for trial in failed:
        assert trial.candidate
        assert trial.cpu_s > 0
        assert runs[trial.candidate.id] == trial.instances > 0
    assert not {Candidate(domain=NAME, slots={"alpha": f"{one}\n"}).id for one in ("0.61", "0.62", "0.63")} & {*runs}


def test_a_candidate_that_turns_out_not_to_run_on_one_family_is_a_trial_with_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: Counter[str] = Counter()
    measure = Landscape.measure

    def picky(self: Landscape, candidate: Candidate, instance: Instance, **options: Any) -> Measurement:
        if candidate.slots and instance.family == "a":
            raise BuildError("it does not run on a")
        runs[candidate.id] += bool(candidate.slots)
        return measure(self, candidate, instance, **options)

    monkeypatch.setattr(Landscape, "measure", picky)
    with serve(lambda request: f"```\n// slot: alpha\n{value(request)}\n```") as server:
        report, trials = discover(tmp_path / "s.db", server)
    assert report.repairs == 0
    assert [(trial.state, trial.reason) for trial in trials] == [(TrialState.FAILED, "it does not run on a")] * 4
    assert [trial.instances for trial in trials] == [runs[t.candidate.id] for t in trials if t.candidate]
    assert min(trial.cpu_s for trial in trials) > 0


class Poor:
    """Answers by what is refused, and cannot pay for repairs."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        if prompt.messages[-1][1].startswith("This answer"):
            raise BudgetExhausted("90 of 100 tokens are spent")
        return Completion(text=answer({"alpha": "2.5"}, idea="Higher."), model="poor")


def test_a_repair_that_the_budget_does_not_allow_ends_its_trial_and_is_not_told_as_the_end_of_the_run(
    tmp_path: Path,
) -> None:
    made = hills.config(slots=("alpha",), budget=Budget(evals=4), options=SMALL)
    with answered_by(lambda _: Poor()), open_store(tmp_path / "s.db") as store:
        report = Discovery(config=made, store=store).run()
        assert (report.state, report.trials, report.states["rejected"]) == ("finished", 4, 4)
        assert [event.facts for event in store.events(report.run) if event.kind == "finished"] == [{}]


def test_a_copy_by_behaviour_goes_back_to_the_model_and_pays_for_no_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another text for the number of a built-in policy, which is found out by what it does alone."""
    monkeypatch.setattr(landscape, "NOISE", 0.0)  # which is of the text

    def script(request: Mapping[str, Any]) -> str:
        told = request["messages"][-1]["content"]
        copied = not told.startswith("This answer") or "Proposal 2." in told
        return f"```\n// slot: alpha\n{'0.250' if copied else '0.63'}\n```"

    with serve(script) as server:
        options = {"per_family": 25, "tuned_baseline": False}
        report, (mended, insisted) = discover(
            tmp_path / "s.db", server, options=options, strategy="random", window=1, budget=Budget(evals=2)
        )
    assert [call.stage for call in mended.calls] == ["propose", "repair"]
    why = "behaves exactly as a built-in policy that was raced before the search on 8 instances"
    assert why in mended.calls[1].prompt.messages[-1][1]
    assert mended.state in (TrialState.SCORED, TrialState.RACED_OUT)
    assert mended.candidate == Candidate(domain=NAME, slots={"alpha": "0.63\n"})
    assert (insisted.state, insisted.reason, insisted.instances) == (TrialState.REJECTED, why, 8)
    assert [call.stage for call in insisted.calls] == ["propose", "repair", "repair"]
    once = sum(m.cpu_s for m in insisted.measurements)
    assert insisted.cpu_s == pytest.approx(3 * once), "what the copies took is accounted for"
    assert mended.cpu_s == pytest.approx(once + sum(m.cpu_s for m in mended.measurements))
    assert (report.trials, report.repairs) == (2, 3)


def test_a_copy_in_a_recording_that_did_not_ask_again_ends_its_trial_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape, "NOISE", 0.0)
    row = {"messages": [], "number": 1, "stage": "propose", "answer": "```\n// slot: alpha\n0.250\n```"}
    (tmp_path / "calls.jsonl").write_text(json.dumps(row))
    made = hills.config(
        slots=("alpha",),
        strategy="random",
        model=f"replay:{tmp_path / 'calls.jsonl'}",
        budget=Budget(evals=1),
        options={"per_family": 25, "tuned_baseline": False},
    )
    with open_store(tmp_path / "s.db") as store:
        trial = store.trials(Discovery(config=made, store=store).run().run)[1]
    assert (trial.state, trial.instances, len(trial.calls)) == (TrialState.REJECTED, 8, 1)
    assert trial.reason.startswith("behaves exactly as a built-in policy")


def test_a_copy_that_all_instances_were_needed_to_find_was_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape, "NOISE", 0.0)
    with serve(lambda _: "```\n// slot: alpha\n0.750\n```") as server:
        _, trials = discover(tmp_path / "s.db", server, strategy="random", window=1, budget=Budget(evals=2))
    assert [t.state for t in trials] == [TrialState.REJECTED, TrialState.REJECTED]
    assert [(t.instances, len(t.calls)) for t in trials] == [(8, 1), (0, 3)], "the second is the same text"


def test_of_several_slots_a_run_keeps_those_that_were_written(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def script(request: Mapping[str, Any]) -> str:
        told = request["messages"][0]["content"]
        asked.append(tuple(slot for slot in ("alpha", "beta") if f"## {slot}\n" in told))
        return f"```\n// slot: {asked[-1][0]}\n{value(request)}\n```"

    changes = {"slots": ("alpha", "beta"), "strategy": "one_plus_one", "window": 1, "budget": Budget(evals=8)}
    with serve(script) as server:
        report, trials = discover(tmp_path / "s.db", server, **changes)
    assert report.state == "finished"
    assert ("alpha", "beta") in asked
    assert [trial.slots for trial in trials] == [(slots[0],) for slots in asked]
    assert all(len(trial.calls) == 1 for trial in trials)


def test_a_run_takes_edits_of_the_parent_and_asks_again_where_they_do_not_match(tmp_path: Path) -> None:
    """The search begins from the built-in policy 0.75."""

    def script(request: Mapping[str, Any]) -> str:
        old = "0.75" if request["messages"][-1]["content"].startswith("This answer") else "0.123"
        return f"```\n<<<<<<< SEARCH\n{old}\n=======\n{value(request)}\n>>>>>>> REPLACE\n```"

    with serve(script) as server:
        _, trials = discover(tmp_path / "s.db", server, strategy="hill_climber", window=4)
    assert [t.candidate and t.candidate.slots for t in trials] == [{"alpha": f"0.6{n}\n"} for n in range(1, 5)]
    assert [[call.stage for call in trial.calls] for trial in trials] == [["propose", "repair"]] * 4
    told = trials[0].calls[1].prompt.messages[-1][1]
    assert "alpha: what edit 1 searches for ('0.123') does not stand in the code" in told


def test_the_command_line_passes_on_what_differs_from_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[RunConfig] = []
    monkeypatch.setattr("slotforge.service.cli._driver.drive", lambda _, config, **__: made.append(config))
    command = ["discover", "sat", "--instances", "sgen:19", "--store", str(tmp_path / "s.db")]
    main([*command, "--answers", "json", "--when-down", "offline"])
    main([*command, "--answers", "fences", "--when-down", "stop"])
    assert {"answers": "json", "when_down": "offline"}.items() <= made[0].options.items()
    assert not {"answers", "when_down"} & set(made[1].options)
