"""What a service leaves behind is dropped once it is old, and nothing that anybody may still need."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from slotforge.lineage import audit, blobs, jobs, suites
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import shelf
from slotforge.service.jobs import log
from slotforge.service.leftovers import DAY_S, Leftovers, drop
from slotforge.testing.store_samples import CONFIG

LONG_AGO = time.time() - 400 * DAY_S
STATES = ("queued", "running", "paused", "finished", "cancelled", "failed")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def aged(path: Path, content: str = "four") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def age(store: SqlStore) -> None:
    """Let all that is there have happened long ago."""
    with store.writing() as connection:
        for table in ("audit", "blob"):
            connection.execute(text(f"UPDATE {table} SET at = :at"), {"at": LONG_AGO})


def fill(store: SqlStore) -> None:
    """Keep a deed, an export, and an upload in a suite and one in none."""
    audit.note(store, actor="ann", action="POST /v1/runs", target="", facts={})
    for digit, size in (("a", 10), ("b", 100)):
        blobs.keep(store, digit * 64, [b"x", b"y"], name="a.cnf", owner="ann", size=size, facts={})
    blobs.keep(store, f"{blobs.ARTEFACT}0123456789abcdef", [b"z"], name="x.hpp", owner="", size=1000, facts={})
    suites.put(store, "mine", ["a" * 64], owner="ann")


def test_what_is_old_and_nobody_needs_is_dropped_and_told(store: SqlStore) -> None:
    fill(store)
    age(store)
    fill_again = blobs.keep(store, "c" * 64, [b"new"], name="c.cnf", owner="ann", size=5, facts={})
    audit.note(store, actor="bob", action="POST /v1/runs", target="", facts={})
    for state in STATES:
        with store.writing() as connection:
            config = CONFIG.model_dump(mode="json")
            jobs.add(
                connection, id=f"{state}0", kind="search", owner="ann", priority=0, config=config, cpus=1, usd=None
            )
            jobs.change(connection, f"{state}0", state=state)
        aged(log.path(f"{state}0"))
    aged(log.path("finished0").with_suffix(".log.1"))
    log.path("new").write_text("of today")
    os.utime(aged(shelf.folder() / "0123456789abcdef" / shelf.ABOUT).parent, (LONG_AGO, LONG_AGO))
    aged(shelf.folder() / "fedcba9876543210" / shelf.ABOUT)
    assert drop(store) == Leftovers(deeds=0, uploads=0, artefacts=0, logs=0, size=0), "only what is told to go does"
    planned = drop(store, audit_days=365, unused_days=90, dry=True)
    assert planned == Leftovers(deeds=1, uploads=1, artefacts=1, logs=3, size=1000 + 100 + 4 * 5)
    assert drop(store, audit_days=365, unused_days=90) == planned
    assert drop(store, audit_days=365, unused_days=90) == Leftovers(deeds=0, uploads=0, artefacts=0, logs=0, size=0)
    assert [one.actor for one in audit.audit(store, limit=9)] == ["bob"]
    assert {one.id for one in blobs.blobs(store, limit=9)} == {"a" * 64, fill_again.id}
    assert [*blobs.parts(store, "a" * 64)] == [b"x", b"y"]
    left = {path.name for path in log.path("").parent.iterdir()}
    assert left == {"queued0.log", "running0.log", "paused0.log", "new.log"}
    assert [path.name for path in shelf.folder().iterdir()] == ["fedcba9876543210"]


def test_an_upload_that_a_suite_takes_meanwhile_is_spared(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    age(store)
    writing = store.writing

    def late() -> object:
        monkeypatch.setattr(store, "writing", writing)
        suites.put(store, "late", ["b" * 64], owner="bob")
        return writing()

    monkeypatch.setattr(store, "writing", late)
    assert drop(store, unused_days=90).uploads == 0
    assert suites.suite(store, "late").size == 100


def test_logs_of_jobs_that_are_not_known_to_have_ended_stay(store: SqlStore) -> None:
    aged(log.path("of_another_store"))
    assert drop(store, unused_days=0).logs == 0
    assert log.path("of_another_store").exists()


def test_an_export_that_is_being_made_is_left_alone(store: SqlStore) -> None:
    with shelf.draft() as draft:
        old = aged(shelf.folder() / ".draft-old")
        drop(store, unused_days=0)
        assert (draft.exists(), old.exists()) == (True, False)


@pytest.mark.parametrize("owner", ["ann", "bob"])
def test_what_is_uploaded_again_is_as_good_as_new_and_stays_its_owners(store: SqlStore, owner: str) -> None:
    fill(store)
    age(store)
    again = blobs.keep(store, "b" * 64, [b"x", b"y"], name="b.cnf", owner=owner, size=100, facts={})
    assert (again.owner, again.name) == ("ann", "a.cnf")
    assert drop(store, unused_days=90).uploads == 0
    assert suites.put(store, "late", [again.id], owner=owner).size == 100
    assert [*blobs.parts(store, again.id)] == [b"x", b"y"]


def test_many_deeds_are_dropped_in_short_transactions(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from slotforge.lineage import leftovers

    monkeypatch.setattr(leftovers, "CHUNK", 2)
    for _ in range(5):
        audit.note(store, actor="ann", action="POST /v1/runs", target="", facts={})
    age(store)
    before = store.written
    assert drop(store, audit_days=399).deeds == 5
    assert store.written - before == 3
