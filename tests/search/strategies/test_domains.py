"""Every strategy runs without a model on the domains that ship, not on landscapes alone.

All of it: `pytest tests/search/strategies/test_domains.py -m "slow or not slow"`. Without `-m` bin packing alone, in
seconds: to compile for a SAT solver and to trace step rules takes ten CPU minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slotforge.core import registry
from slotforge.core.types import Budget, RunConfig, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery

DOMAINS = {
    "sat": ("restart_due", "sgen:11", 5),
    "optim": ("step", "least_squares:d=20", 5),
    "packing": ("priority", "weibull_1k_100", 5),
}
STRATEGIES = tuple(registry.names("slotforge.search.strategies"))
QUICK = "packing"
EVALS = 5


def case(strategy: str, domain: str) -> Any:
    return pytest.param(strategy, domain, marks=() if domain == QUICK else pytest.mark.slow)


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOTFORGE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.mark.parametrize(("strategy", "domain"), [case(s, d) for d in DOMAINS for s in STRATEGIES])
def test_a_strategy_searches_a_domain_to_the_end_and_measures_what_it_asks_for(
    strategy: str, domain: str, tmp_path: Path
) -> None:
    slot, family, per_family = DOMAINS[domain]
    config = RunConfig(
        domain=domain,
        instances=(family,),
        slots=(slot,),
        strategy=strategy,
        budget=Budget(evals=EVALS),
        window=2,
        executor="inline",
        options={"per_family": per_family, "start": "default", "tuned_baseline": False},
    )
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config, store=store).run()
        trials = [trial for number, trial in store.trials(report.run).items() if 0 < number <= EVALS]
    assert (report.state, report.failure, len(trials)) == ("finished", "", EVALS)
    assert all(trial.state is not TrialState.WRONG for trial in trials)
    assert any(trial.ratio is not None for trial in trials)
