"""Searches on three servers and one PostgreSQL suffer from no kill -9 of any of them."""

from __future__ import annotations

import pytest

from slotforge.bench._chaos import FAULTS
from slotforge.bench.chaos import SEARCHES, measure
from slotforge.core.types import Budget
from slotforge.testing import postgres


@pytest.mark.skipif(bool(postgres.missing()), reason=f"chaos is not tested: {postgres.missing()}")
def test_servers_workers_and_the_database_are_killed_and_every_search_ends_as_without() -> None:
    configs = [SEARCHES["landscape"].model_copy(update={"seed": seed, "budget": Budget(evals=16)}) for seed in range(2)]
    result = measure(configs, seconds=20, servers=3, every=2.5, lease=6, seed=1)
    assert result.errors == ()
    assert result.figures["searches"] >= len(configs)
    assert {*result.figures["faults"]} == {*FAULTS}, "each kind of fault has struck"
