"""The store keeps its promises on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.lineage.store import open_store
from slotforge.testing.store_suite import Reopen, StoreSuite


class TestSqlite(StoreSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Reopen:
        return lambda: open_store(tmp_path / "store.db")


class TestPostgres(StoreSuite):
    @pytest.fixture
    def reopen(self, postgres: str) -> Reopen:
        return lambda: open_store(postgres)
