"""Every strategy runs without a model on the domains that ship, not on landscapes alone.

All of it: `pytest tests/search/strategies/test_domains.py -m "slow or not slow"`. Without `-m` bin packing and tours
alone, in seconds: to compile for a SAT solver and to trace step rules takes ten CPU minutes and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from slotforge.core import registry
from slotforge.core.types import Budget, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.report import Report

DOMAINS = {
    "sat": ("restart_due", "sgen:11", 5),
    "optim": ("step", "least_squares:d=20", 5),
    "packing": ("priority", "weibull_1k_100", 5),
    "tsp": ("select_next", "tsp50", 5),
}
STRATEGIES = tuple(registry.names("slotforge.search.strategies"))
QUICK = ("packing", "tsp")
EVALS = 5


def cases(domains: Iterable[str]) -> Sequence[Any]:
    return [
        pytest.param(strategy, domain, marks=() if domain in QUICK else pytest.mark.slow)
        for domain in domains
        for strategy in STRATEGIES
    ]


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOTFORGE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def config(strategy: str, domain: str, evals: int = EVALS, **changes: Any) -> RunConfig:
    slot, family, per_family = DOMAINS[domain]
    usual = {"window": 2, "executor": "inline", "budget": Budget(evals=evals)}
    options = {"per_family": per_family, "start": "default", "tuned_baseline": False}
    return RunConfig(
        domain=domain, instances=(family,), slots=(slot,), strategy=strategy, options=options, **usual | changes
    )


def discover(where: Path, made: RunConfig, run: str = "") -> tuple[Report, Sequence[Trial]]:
    with open_store(where) as store:
        report = Discovery(config=made, store=store, run_id=run).run()
        trials = store.trials(report.run)
    assert (report.state, report.failure) == ("finished", "")
    return report, [trial for number, trial in trials.items() if 0 < number <= (made.budget.evals or 0)]


def course(trials: Sequence[Trial]) -> Sequence[tuple[object, ...]]:
    """Return what must be the same however a search was run: all but clocks."""
    return [
        (t.number, t.operator, t.parents, t.candidate, t.state, t.ratio, [(m.instance, m.cost) for m in t.measurements])
        for t in trials
    ]


@pytest.mark.parametrize(("strategy", "domain"), cases(DOMAINS))
def test_a_strategy_searches_a_domain_to_the_end_and_measures_what_it_asks_for(
    strategy: str, domain: str, tmp_path: Path
) -> None:
    _, trials = discover(tmp_path / "s.db", config(strategy, domain))
    assert len(trials) == EVALS
    assert all(trial.state is not TrialState.WRONG for trial in trials)
    assert any(trial.ratio is not None for trial in trials)


@pytest.mark.parametrize(("strategy", "domain"), cases(["packing", "sat", "optim"]))
def test_a_search_of_a_domain_that_goes_on_later_or_on_eight_workers_is_the_same(
    strategy: str, domain: str, tmp_path: Path
) -> None:
    whole, trials = discover(tmp_path / "whole.db", config(strategy, domain))
    part, _ = discover(tmp_path / "part.db", config(strategy, domain, evals=3))
    later, resumed = discover(tmp_path / "part.db", config(strategy, domain), part.run)
    many, spread = discover(tmp_path / "many.db", config(strategy, domain, executor="process", workers=8))
    assert course(trials) == course(resumed) == course(spread)
    assert whole.best == later.best == many.best
