"""Uploads are kept once, by their content, as a whole or not at all."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import FormulaError, StoreError, UnknownId
from slotforge.lineage import blobs, suites
from slotforge.lineage.allowance import Allowance, NoRoom
from slotforge.lineage.blobs import InUse
from slotforge.lineage.keys import add_key
from slotforge.service.instances import upload
from slotforge.service.instances.upload import display_name
from slotforge.service.instances.vault import Vault

FORMULA = b"p cnf 3 2\n1 -3 0\n2 3 -1 0\n"
FACTS = {"variables": 3, "clauses": 2, "literals": 5}
PACKS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def named(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def content(vault: Vault, ref: str) -> bytes:
    return gzip.decompress(b"".join(vault.packed(ref)))


def test_the_same_content_is_the_same_instance_however_it_came(vault: Vault) -> None:
    found = [vault.add([pack(FORMULA)], name=f"{kind}.cnf", owner=kind) for kind, pack in PACKS.items()]
    assert {record.id for record in found} == {named(FORMULA)}
    assert {(record.name, record.owner) for record in found} == {("plain.cnf", "plain")}
    assert (found[0].size, found[0].facts) == (len(FORMULA), FACTS)
    assert content(vault, found[0].id[:8]) == FORMULA
    assert vault.records(limit=10) == (found[-1],)


def test_of_two_uploads_at_once_only_that_is_kept_for_which_there_is_room(vault: Vault) -> None:
    others = [b"p cnf 1 1\n%d 0\n" % literal for literal in (1, -1)]
    add_key(vault.store, "ann", ["run"], limits=Allowance(bytes=sum(map(len, others)) - 1))
    met, beyond = Barrier(2), list[str]()

    def add(text: bytes) -> None:
        def pieces() -> Iterator[bytes]:
            met.wait(30)
            yield text

        try:
            vault.add(pieces(), name="a.cnf", owner="ann")
        except NoRoom as error:
            beyond.append(str(error))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, others))
    assert len(beyond) == len(vault.records(limit=9)) == 1
    assert vault.add([others[0]], name="b.cnf", owner="bob").size == len(others[0]), "it is ann's limit alone"


@given(
    clauses=st.lists(st.lists(st.integers(-50, 50).filter(bool), max_size=6), min_size=1, max_size=60),
    pack=st.sampled_from([*PACKS]),
    step=st.integers(1, 200),
)
@settings(max_examples=40, deadline=None)
def test_any_formula_comes_back_to_the_byte(clauses: list[list[int]], pack: str, step: int, shared: Vault) -> None:
    text = "".join(" ".join(map(str, (*clause, 0))) + "\n" for clause in clauses).encode()
    sent = PACKS[pack](text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload, "PART", 64)
        record = shared.add((sent[i : i + step] for i in range(0, len(sent), step)), name="f", owner="o")
    assert record.id == named(text)
    assert content(shared, record.id) == shared.fetch(record.id).read_bytes() == text


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"p cnf 2 1\n1 x 0\n", r"a.cnf:2: a literal is expected, not 'x'"),
        (b"p cnf 2 1\n1 2\n", r"a.cnf:2: the last clause is not ended by 0"),
        (b"", r"a.cnf:1: neither a header .* nor a clause"),
        (b"p cnf 3 0\n", r"a.cnf: holds no clause"),
        (gzip.compress(FORMULA)[:-3], r"a.cnf: the compressed content ends too early"),
        (b"p cnf 30000000 1\n1 0\n", r"a.cnf:1: more than 20000000 variables"),
    ],
    ids=["literal", "unended", "empty", "no clause", "cut", "variables"],
)
def test_what_is_no_sound_file_is_refused_and_leaves_nothing(shared: Vault, home: Path, sent: bytes, told: str) -> None:
    before = shared.records(limit=100)
    with pytest.raises(FormulaError, match=f"^{told}"):
        shared.add([sent], name="dir/a.cnf", owner="o")
    assert shared.records(limit=100) == before
    assert [*home.rglob("*")] == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.cnf", "x.cnf"),
        ("/", "unnamed"),
        ("..", ".."),
        ("a\x00b\n\x1b[31m.cnf", "a b [31m.cnf"),
        ("\u202efnc.a", "fnc.a"),
        ("x" * 1000, "x" * 120),
        ("<script>.cnf", "<script>.cnf"),
        ("\udcff.cnf", ".cnf"),
    ],
)
def test_names_of_clients_are_text_and_never_paths(shared: Vault, home: Path, name: str, shown: str) -> None:
    assert display_name(name) == shown
    record = shared.add([b"c %d\n1 0\n" % abs(hash(name))], name=name, owner="o")
    assert shared.record(record.id).name == shown
    assert shared.fetch(record.id) == home / "instances" / record.id[:2] / f"{record.id}.cnf"
    assert [path.name for path in home.rglob("*") if path.is_file()] == [f"{record.id}.cnf"]


def test_the_same_file_uploaded_by_many_at_once_is_kept_once(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PART", 1000)
    text = b"".join(b"%d -%d 0\n" % (n, n + 1) for n in range(1, 2000))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: vault.add([text], name=f"{n}", owner="o"), range(8)))
    assert {(one.id, one.name, one.owner) for one in found} == {(named(text), found[0].name, "o")}
    assert [(one.id, one.name) for one in vault.records(limit=10)] == [(named(text), found[0].name)]
    assert content(vault, named(text)) == text


def test_lists_go_on_after_the_last_one_known(vault: Vault) -> None:
    made = [vault.add([b"%d 0\n" % n], name=str(n), owner="o") for n in range(1, 8)]
    listed: list[blobs.BlobRecord] = []
    while page := vault.records(limit=3, after=blobs.place(listed[-1]) if listed else None):
        listed += page
    assert listed == made[::-1]


def test_an_unknown_instance_is_told(vault: Vault) -> None:
    for ref in ("", "abc", "0" * 64, "../../x", "x" * 900, "%"):
        with pytest.raises(UnknownId, match=r"^no instance "):
            vault.record(ref)


def test_an_instance_of_a_suite_cannot_be_removed(vault: Vault) -> None:
    record = vault.add([FORMULA], name="a", owner="o")
    suites.put(vault.store, "mine", [record.id], owner="bob")
    with pytest.raises(InUse, match=f"instance {record.id[:16]} is in suite 'mine' of bob: remove it there first"):
        vault.remove(record.id)
    suites.remove(vault.store, "mine")
    assert vault.remove(record.id) == record
    with pytest.raises(UnknownId):
        vault.record(record.id)
    assert content(vault, vault.add([FORMULA], name="a", owner="o").id) == FORMULA


def test_a_local_copy_that_was_changed_is_written_anew(vault: Vault) -> None:
    path = vault.fetch(vault.add([FORMULA], name="a", owner="o").id)
    path.write_bytes(b"p cnf 1 1\n1 0\n")
    assert vault.fetch(named(FORMULA)).read_bytes() == FORMULA


def test_damage_in_the_store_is_found(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    record = vault.add([FORMULA], name="a", owner="o")
    for part in (gzip.compress(b"1 0\n"), b"no gzip"):
        monkeypatch.setattr(blobs, "parts", lambda *_, part=part: [part])
        with pytest.raises(StoreError, match=f"the content of instance {record.id} is damaged"):
            vault.fetch(record.id)


UPLOADS = """
import sys, time
from slotforge.lineage.store import open_store
from slotforge.service.instances import upload
from slotforge.service.instances.vault import Vault

upload.PART = 1 << 12
with open_store(sys.argv[1]) as store, Vault(store).receive("a.cnf", owner="o") as one:
    for n in range(1, 5000):
        one.write(b"%d -%d 0\\n" % (n, n + 1))
    if sys.argv[2] == "streaming":
        print("now", flush=True)
        time.sleep(600)
    parts = one._parts
    def slow():
        for number, part in enumerate(parts()):
            yield part
            if number == 3:
                print("now", flush=True)
                time.sleep(600)
    one._parts = slow
    one.finish()
"""


@pytest.mark.parametrize("moment", ["streaming", "keeping"])
def test_nothing_is_to_be_seen_of_an_upload_that_was_killed(vault: Vault, home: Path, moment: str) -> None:
    where = vault.store.url.render_as_string(hide_password=False)
    environment = {**os.environ, "SLOTFORGE_HOME": str(home)}
    command = [sys.executable, "-c", UPLOADS, where, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"now\n"
        finally:
            process.send_signal(signal.SIGKILL)
    assert vault.records(limit=10) == ()
    assert [*home.rglob("*")] == []
    text = b"".join(b"%d -%d 0\n" % (n, n + 1) for n in range(1, 5000))
    assert content(vault, vault.add([text], name="a.cnf", owner="o").id) == text


def peak(*, begin: bool = False) -> int:
    """Return the most memory that this process has used since the last `begin`, in KiB."""
    if begin:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def test_a_large_file_takes_little_memory(shared: Vault) -> None:
    lines = b"".join(b"%d %d 0\n" % (random.Random(n).randrange(1, 10**6), -n) for n in range(1, 60_000))
    repeats = (100 << 20) // len(lines) + 1
    before = peak(begin=True)
    record = shared.add((lines for _ in range(repeats)), name="large.cnf", owner="o")
    assert record.size == repeats * len(lines) > 100 << 20
    assert shared.fetch(record.id).stat().st_size == record.size
    assert peak() - before < 48 << 10
