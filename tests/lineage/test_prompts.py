"""The store of prompts keeps its promises on SQLite and on PostgreSQL, and knows what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.core.types import RunConfig
from slotforge.lineage import migrations, prompts
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore, open_store
from slotforge.testing.prompt_store_suite import SEARCH, PromptStoreSuite, Reopen, search_of
from slotforge.testing.store_samples import BASELINE, SUITE, sample_trial


@pytest.fixture
def opened() -> Iterator[list[SqlStore]]:
    """Collect what was opened, and close it after the test."""
    stores: list[SqlStore] = []
    yield stores
    for store in stores:
        store.close()


def opening(where: str | Path, opened: list[SqlStore]) -> Reopen:
    def reopen() -> PromptBook:
        opened.append(open_store(where))
        return PromptBook(opened[-1])

    return reopen


class TestSqlite(PromptStoreSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path, opened: list[SqlStore]) -> Reopen:
        return opening(tmp_path / "store.db", opened)


class TestPostgres(PromptStoreSuite):
    @pytest.fixture
    def reopen(self, postgres: str, opened: list[SqlStore]) -> Reopen:
        return opening(postgres, opened)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_candidates_of_the_last_trials_are_known_by_slot(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = request.getfixturevalue("postgres") if kind == "postgres" else tmp_path / "store.db"
    with open_store(where) as store:
        for domain in ("sat", "optim", "sat"):
            run = store.create_run(RunConfig(domain=domain, instances=()), SUITE, {})
            for number in range(3):
                store.record(sample_trial(run, number))
        decay = BASELINE.with_slots({"decay": "struct D {};"})
        store.record(sample_trial(run, 9, candidate=decay, slots=("decay",)))
        book, made = PromptBook(store), [sample_trial("", number).candidate for number in (2, 1)]
        search = search_of(slots=("restart_due", "decay", "pick_phase"))
        book.open(search)
        store.record(sample_trial(run, 10, candidate=BASELINE.with_slots({"decay": "struct E {};"}), slots=("decay",)))
        book.open(search)
        assert list(book.tried(search.id, "restart_due")) == made
        assert list(book.tried(search.id, "decay")) == [decay]
        assert list(book.tried(search.id, "pick_phase")) == []
        monkeypatch.setattr(prompts, "KNOWN", 1)
        book.open(one := search_of(seed=1))
        assert list(book.tried(one.id, "restart_due")) == made[:1]


def test_a_search_for_prompts_of_an_older_store_knows_what_was_tried_when_it_is_opened_again(tmp_path: Path) -> None:
    where = str(tmp_path / "store.db")
    with open_store(where) as store:
        PromptBook(store).open(SEARCH)
    migrations.downgrade(where, "0007")
    with open_store(where) as store:
        run = store.create_run(RunConfig(domain="sat", instances=()), SUITE, {})
        store.record(sample_trial(run, 1))
        book = PromptBook(store)
        assert list(book.tried(SEARCH.id, "restart_due")) == []
        book.open(SEARCH)
        assert list(book.tried(SEARCH.id, "restart_due")) == [sample_trial("", 1).candidate]
