"""Code that cannot be read is a failed trial, on every domain, and the search and its resumption go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.types import Budget, RunConfig, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.testing.fake_chat import serve

BROKEN = {
    "sat": ("sgen:15", "restart_due", "int x = 3;"),
    "packing": ("weibull_1k_100", "priority", "def priority(item, bins:\n    return ("),
    "tsp": ("tsp50", "select_next", "def select_next(:\n    return"),
}


@pytest.mark.parametrize("domain", BROKEN)
def test_code_that_cannot_be_read_ends_its_trial_alone(domain: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    family, slot, source = BROKEN[domain]
    mark = "//" if domain == "sat" else "#"
    with (
        serve([f"An idea.\n\n```\n{mark} slot: {slot}\n{source}\n```\n"]) as server,
        open_store(tmp_path / "s.db") as store,
    ):
        config = RunConfig(
            domain=domain,
            instances=(family,),
            slots=(slot,),
            model="openai:any",
            base_url=server.url,
            budget=Budget(evals=2),
            executor="inline",
            window=1,
            options={"per_family": 6, "start": "default"},
        )
        report = Discovery(config=config, store=store).run()
        trials = [trial for number, trial in store.trials(report.run).items() if number > 0]
        again = Discovery(config=config, store=store, run_id=report.run).run()
    assert [trial.state for trial in trials] == [TrialState.REJECTED] * 2
    assert again.states == report.states
