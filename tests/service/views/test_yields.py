"""What operators, models and runs have brought and cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.types import Call, Candidate, Completion, Prompt, RunConfig, Suite, Trial
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.views.costs import costs
from slotforge.service.views.yields import yields


def call(model: str) -> Call:
    said = Completion(text="x", model=model, input_tokens=10, output_tokens=5, usd=0.25)
    return Call(stage="propose", prompt=Prompt(operator="o", messages=(("user", "q"),)), completion=said)


def trial(run: str, number: int, operator: str, ratio: float | None, *models: str) -> Trial:
    return Trial(
        run=run,
        number=number,
        operator=operator,
        slots=("restart_due",),
        parents=(),
        state="failed" if ratio is None else "scored",
        candidate=Candidate(domain="sat", slots={"restart_due": str(number)}),
        ratio=ratio,
        cpu_s=2.0,
        calls=tuple(map(call, models)),
    )


def opened(store: SqlStore, *trials: tuple[int, str, float | None, str]) -> str:
    suite = Suite(search=(), select=(), holdout=())
    run = store.create_run(RunConfig(domain="sat", instances=()), suite, {})
    for number, operator, ratio, models in trials:
        store.record(trial(run, number, operator, ratio, *models.split()))
    return run


def test_operators_and_models_share_what_a_run_has_brought(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        run = opened(
            store,
            (0, "baseline", 1.0, ""),
            (1, "mutate", 0.9, "small"),
            (2, "mutate", None, "small large"),
            (3, "cross", 0.8, "large"),
            (4, "tune", 0.95, ""),
        )
        opened(store, (1, "mutate", 0.1, "small"))
        found = yields(store, run)
    mutate, cross, tune = found.operators
    assert (mutate.name, mutate.trials, mutate.scored, mutate.best, mutate.improved) == ("mutate", 2, 1, 0.9, 1)
    assert (mutate.calls, mutate.tokens, mutate.usd) == (3, 45, 0.75)
    assert (cross.name, cross.improved, cross.calls) == ("cross", 1, 1)
    assert (tune.name, tune.scored, tune.calls, tune.tokens) == ("tune", 1, 0, 0)
    large, small = found.models
    assert (large.name, large.trials, large.scored, large.best, large.calls) == ("large", 2, 1, 0.8, 2)
    assert (small.name, small.trials, small.scored, small.best, small.tokens) == ("small", 2, 1, 0.9, 30)


def test_a_run_without_trials_has_brought_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        run = opened(store)
        assert yields(store, run) == yields(store, "none")
        assert costs(store, [run]) == {} or costs(store, [run])[run].usd == 0


def test_a_list_of_runs_tells_what_each_has_cost(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        one = opened(store, (0, "baseline", 1.0, ""), (1, "mutate", 0.9, "small"))
        other = opened(store, (1, "mutate", 0.9, "small small"))
        found = costs(store, [one, other, "none"])
    assert found.keys() == {one, other}
    assert found[one].cpu_s == pytest.approx(4.0)
    assert (found[one].usd, found[other].usd) == (0.25, 0.5)
