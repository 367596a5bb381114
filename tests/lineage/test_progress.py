"""What a run has spent is told on every database, also with exchanges that were never answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from slotforge.lineage.reads.progress import Known, news
from slotforge.lineage.schema import Session
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_tokens_without_an_answer_count(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with open_store(request.getfixturevalue("postgres") if kind == "postgres" else tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1))
        before = news(store, {run: Known()})[run].spent
        with store.writing() as connection:
            connection.execute(insert(Session).values(run=run, number=1, seconds=2.0, tokens=30, usd=0.5))
        after = news(store, {run: Known()})[run].spent
    assert (after.tokens, after.usd, after.seconds) == (before.tokens + 30, before.usd + 0.5, 2.0)
