"""The commands that look after a store."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from slotforge.lineage import blobs
from slotforge.lineage.audit import note
from slotforge.lineage.store import open_store

from .conftest import Command, Found


def test_a_store_is_copied_put_back_checked_shrunk_and_vacuumed(cli: Command, found: Found, tmp_path: Path) -> None:
    copy, back = tmp_path / "copy.db", tmp_path / "back.db"
    made = cli("db", "backup", copy, "--store", found.store, "--json").json
    assert made["rows"]["run"] == 1
    assert cli("db", "restore", copy, "--store", back, "--json").json["rows"] == made["rows"]
    checked = cli("db", "check", "--store", back, "--json").json
    assert (checked["problems"], checked["rows"]) == ([], made["rows"])
    shown = cli("show", found.winner, "--store", back, "--json").json
    plan = cli("db", "prune", "--keep-runs", 0, "--dry-run", "--store", back, "--json").json
    assert plan["measurements"] > 0
    assert cli("db", "prune", "--keep-runs", 0, "--store", back, "--json").json == plan
    assert cli("show", found.winner, "--store", back, "--json").json == shown
    assert cli("db", "vacuum", "--store", back, "--json").json["after"] > 0
    assert "pruned" in cli("show", found.report.run, "--store", back).out


def test_each_says_in_a_line_what_it_did(cli: Command, copied: Found, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    told = [
        cli("db", "backup", copy, "--store", copied.store).out,
        cli("db", "restore", copy, "--store", tmp_path / "back.db").out,
        cli("db", "check", "--store", copied.store).out,
        cli("db", "prune", "--before", "2020-01-01", "--store", copied.store).out,
        cli("db", "vacuum", "--store", copied.store).out,
    ]
    assert [len(text.splitlines()) for text in told] == [1] * 5, told
    words = ("holds", "holds the", "is sound", "dropped 0", "now")
    assert all(word in text for word, text in zip(words, told, strict=True))


def test_pruning_also_drops_what_a_service_left_if_it_is_told_to(cli: Command, copied: Found) -> None:
    with open_store(copied.store) as store:
        note(store, actor="ann", action="POST /v1/runs", target="", facts={})
        blobs.keep(store, "a" * 64, [b"x"], name="a.cnf", owner="ann", size=2048, facts={})
        with store.writing() as connection:
            for table in ("audit", "blob"):
                connection.execute(text(f"UPDATE {table} SET at = 0"))
    prune = ("db", "prune", "--before", "2020-01-01", "--store", copied.store)
    assert "audit" not in cli(*prune).out
    assert cli(*prune, "--json").json["service"] == {"deeds": 0, "uploads": 0, "artefacts": 0, "logs": 0, "size": 0}
    told = cli(*prune, "--audit-days", 365, "--unused-days", 90).out
    assert told.strip().endswith("; 1 deeds of the audit, 0 logs, 0 exports and 1 uploads (2 KiB)")


def test_a_mistake_is_one_line(cli: Command, copied: Found, tmp_path: Path) -> None:
    assert "say which runs are old" in cli("db", "prune", "--store", copied.store).error
    (tmp_path / "there").touch()
    assert "is there already" in cli("db", "backup", tmp_path / "there", "--store", copied.store).error
    assert "is no backup of a store" in cli("db", "restore", tmp_path / "there", "--store", tmp_path / "n.db").error
    assert "there is no store" in cli("db", "check", "--store", tmp_path / "none.db").error


def test_a_store_that_does_not_hold_together_is_exit_code_1(cli: Command, copied: Found) -> None:
    import sqlite3

    with sqlite3.connect(copied.store) as connection:
        connection.execute("UPDATE source SET text = (SELECT messages FROM prompt LIMIT 1)")
    connection.close()
    answer = cli("db", "check", "--store", copied.store)
    assert answer.code == 1
    assert "its content is another's or damaged" in answer.out
    assert "put back a backup with `slotforge db restore`" in answer.err
