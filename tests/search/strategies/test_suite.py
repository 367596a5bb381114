"""Every strategy that is found passes the suite that ships for strategies, with a bandit over its operators as well."""

from __future__ import annotations

import pytest

from slotforge.core import registry
from slotforge.search.strategies import parameters
from slotforge.testing.strategy_suite import AdaptiveSuite, StrategySuite

STRATEGIES = tuple(registry.names("slotforge.search.strategies"))
CONTROLS = {"random", "best_of_n"} & set(STRATEGIES)  # which take no feedback
WITH_BANDIT = tuple(f"{name}:bandit=True" for name in STRATEGIES if "bandit" in parameters(name))


@pytest.mark.parametrize("spec", sorted({*STRATEGIES, *WITH_BANDIT} - CONTROLS), scope="class")
class TestEveryStrategyWithFeedback(AdaptiveSuite):
    pass


@pytest.mark.parametrize("spec", sorted(CONTROLS), scope="class")
class TestEveryControl(StrategySuite):
    pass
