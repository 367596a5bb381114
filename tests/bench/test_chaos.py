"""Searches on three servers and one PostgreSQL suffer from no kill -9 of any of them."""

from __future__ import annotations

import shutil

import pytest

from slotforge.bench.chaos import measure
from slotforge.core.types import Budget
from slotforge.testing import hills, sleepy


@pytest.mark.skipif(
    not all(map(shutil.which, ("initdb", "pg_ctl"))),
    reason="chaos is not tested: initdb and pg_ctl are not on PATH: install postgresql",
)
def test_servers_workers_and_the_database_are_killed_and_every_search_ends_as_without() -> None:
    configs = [
        hills.config(
            domain=sleepy.NAME,
            instances=("sleepy:seconds=0.05:spread=0.5",),
            executor="process",
            budget=Budget(evals=16),
            options={"per_family": 15},
            seed=seed,
            workers=1,
        )
        for seed in range(2)
    ]
    result = measure(configs, seconds=20, servers=3, every=2.5, lease=6, seed=1)
    assert result.errors == ()
    assert result.figures["searches"] >= len(configs)
    assert sum(result.figures["faults"].values()) >= 3
