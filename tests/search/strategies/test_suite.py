"""Every strategy that is found passes the suite that ships for strategies, with a bandit over its operators as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core import registry
from slotforge.search.strategies import parameters
from slotforge.testing import hills
from slotforge.testing.strategy_suite import AdaptiveSuite, StrategySuite, config

STRATEGIES = tuple(registry.names("slotforge.search.strategies"))
CONTROLS = {"random", "best_of_n"} & set(STRATEGIES)  # which take no feedback
WITH_BANDIT = tuple(f"{name}:bandit=True" for name in STRATEGIES if "bandit" in parameters(name))


@pytest.mark.parametrize("spec", sorted({*STRATEGIES, *WITH_BANDIT} - CONTROLS), scope="class")
class TestEveryStrategyWithFeedback(AdaptiveSuite):
    pass


@pytest.mark.parametrize("spec", sorted(CONTROLS), scope="class")
class TestEveryControl(StrategySuite):
    pass


def test_eight_worker_processes_reach_the_archive_that_one_process_reaches(tmp_path: Path) -> None:
    spec = "one_plus_lambda"
    inline = hills.discover(tmp_path / "1.db", config(spec, window=8))
    processes = hills.discover(tmp_path / "2.db", config(spec, window=8, workers=8, executor="process"))
    assert processes[1] == inline[1]
