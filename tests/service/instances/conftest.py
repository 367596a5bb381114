"""A vault on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.instances.vault import Vault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let slotforge keep its files in a folder of the test, in which there is nothing at all."""
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "empty"))
    return tmp_path / "empty"


@pytest.fixture
def vault(store: SqlStore) -> Vault:
    """Begin with an empty store."""
    return Vault(store)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Open a store for all tests of a module that do not mind each other."""
    with open_store(tmp_path_factory.mktemp("shared") / "store.db") as store:
        yield Vault(store)
