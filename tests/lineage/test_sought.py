"""What a search for words has read it does not read again, and it remembers no more than there is room for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import RunConfig, Suite
from slotforge.lineage import rows
from slotforge.lineage.reads import sought as module
from slotforge.lineage.reads.heuristics import Wanted, heuristics
from slotforge.lineage.reads.sought import Sought
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import sample_trial


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return request.getfixturevalue("postgres") if request.param == "postgres" else tmp_path / "store.db"


def test_sources_are_read_once_and_forgotten_where_there_is_no_room(
    where: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = rows.sources

    def listening(connection: Any, ids: list[str]) -> Any:
        read.extend(ids)
        return real(connection, ids)

    monkeypatch.setattr(rows, "sources", listening)
    monkeypatch.setattr("slotforge.lineage.reads.heuristics.sought", sought := Sought())
    with open_store(where) as store:
        run = store.create_run(RunConfig(domain="sat", instances=()), Suite(search=(), select=(), holdout=()), {})
        trials = [sample_trial(run, number) for number in range(1, 4)]
        for trial in trials:
            store.record(trial)
        made = {trial.candidate.id: trial.candidate for trial in trials if trial.candidate}
        text = next(iter(next(iter(made.values())).slots.values()))
        found = heuristics(store, Wanted(text=text.upper()))
        assert {one.candidate for one in found.items} == {
            id_
            for id_, one in made.items()
            if any(text.casefold() in source.casefold() for source in one.slots.values())
        }
        assert set(read) == set(made)
        read.clear()
        assert heuristics(store, Wanted(text="other words")).items == ()
        assert read == []
        monkeypatch.setattr(module, "MOST", 0)
        small = Sought()
        with store.reading() as connection:
            assert (
                small.read(connection, list(made))
                == small.read(connection, list(made))
                == sought.read(connection, list(made))
            )
    assert sorted(read) == sorted([*made, *made])
