"""What the compiler said of candidates is kept with their trials, whole and without secrets, and shown as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from slotforge.core.types import Budget, Request, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.solvers.sat.domain import Sat

KEY = "planted_key_0123456789"
SOURCES = (
    f"struct Warned {{\n  bool operator()(const View &view) {{\n    int {KEY} = 1;\n"
    "    return view.glue.fast > 1.5 * view.glue.slow;\n  }\n};",
    f"struct Broken {{\n  int {KEY} = 1;\n  bool operator()(const View &view) {{\n    return {KEY}.glue > 1 ||\n"
    "           std::max(3, 4.0) > view.glue.slow ||\n           std::min(5u, 6) > 1;\n  }\n};",
    "struct Silent { bool operator()(const View &view) { return view.glue.fast > 1.4 * view.glue.slow; } };",
)


def searched(path: Path, monkeypatch: pytest.MonkeyPatch, executor: str) -> Mapping[int, Trial]:
    """Search over a policy with a warning, one with errors, and one of which there is nothing to say."""
    answers = iter(SOURCES)
    monkeypatch.setattr(Sat, "vary", lambda _self, request, _rng: dict.fromkeys(slots(request), next(answers)))
    config = RunConfig(
        domain="sat",
        instances=("sgen:13",),
        slots=("restart_due",),
        strategy="random",
        budget=Budget(evals=len(SOURCES)),
        executor=executor,
        window=1,
        options={"per_family": 3, "start": "default", "tuned_baseline": False, "library": False, "tune_share": 0},
    )
    with open_store(path) as store:
        return store.trials(Discovery(config=config, store=store).run().run)


def slots(request: Request) -> tuple[str, ...]:
    return request.slots


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_search_keeps_all_that_the_compiler_says_and_no_key(
    executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    trials = searched(tmp_path / "s.db", monkeypatch, executor)
    warned, broken, silent = (trials[number] for number in (1, 2, 3))
    assert (warned.instances > 0, "warning: unused variable" in warned.log["restart_due"]) == (True, True)
    assert "[hidden]" in warned.log["restart_due"]
    assert KEY not in warned.log["restart_due"]
    assert broken.state is TrialState.FAILED
    assert broken.log["restart_due"].count("error: ") == 3
    assert "[hidden]" in broken.reason
    assert KEY not in broken.reason + broken.log["restart_due"]
    assert broken.reason.partition(": line 4: ")[2] in broken.log["restart_due"], "the first of them"
    assert (silent.instances > 0, silent.log) == (True, {})
    monkeypatch.delenv("OPENAI_API_KEY")
    with TestClient(make_app(Settings(store=str(tmp_path / "s.db"))), base_url="http://localhost") as browser:
        for trial, state in ((warned, "compiled"), (broken, "failed"), (silent, "compiled")):
            assert trial.candidate is not None
            told = browser.get(f"/v1/candidates/{trial.candidate.id}/compilation").json()
            assert (told["state"], told["run"], told["number"]) == (state, trial.run, trial.number)
            assert told["log"] == {"restart_due": trial.log.get("restart_due", "")}
            assert told["why"] == (trial.reason if trial is broken else "")
            assert "-std=c++20" in told["environment"]["flags"]
            page = browser.get(f"/candidates/{trial.candidate.id}").text
            assert "As it was built for trial" in page
            assert ("there is no error and no warning" in page) == (trial is silent)
        page = browser.get(f"/runs/{broken.run}/trials/2").text
        assert "template&lt;class _Tp&gt;" in page
        assert "template<class" not in page
        assert page.count("error: ") == 3
