"""Uploads are read by a process in the sandbox, and nothing that it says can be relied on."""

from __future__ import annotations

import gzip
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from slotforge.core.errors import FormulaError
from slotforge.service.instances import reader as reading
from slotforge.service.instances.inside import DONE, FACTS, PLAIN, REFUSED
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.reader import Reader
from slotforge.service.instances.unpack import TooLarge
from slotforge.service.instances.vault import Vault

FORMULA = b"p cnf 3 2\n1 -3 0\n2 3 -1 0\n"
FAILED = r"^a\.cnf: cannot be read: what reads it in the sandbox has failed$"


def read(reader: Reader, data: bytes, name: str = "a.cnf") -> bytes:
    found: list[bytes] = []
    one = reader.begin(name, found.append)
    one.feed(data)
    assert one.close().clauses == 2
    return b"".join(found)


def test_one_process_reads_the_files_of_a_request_one_after_the_other_whatever_is_wrong_with_some() -> None:
    with Reader(Limits()) as reader:
        assert read(reader, FORMULA) == FORMULA
        process = pid(reader)
        for broken in (b"", b"1 2", b"PK\x03\x04 and more", gzip.compress(FORMULA)[:-9], b"p cnf 1 1\n"):
            with pytest.raises(FormulaError, match=r"^b\.cnf:"):
                read(reader, broken, "b.cnf")
            assert read(reader, gzip.compress(FORMULA)) == FORMULA
        assert pid(reader) == process
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_it_is_confined_and_has_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_PLANTED_KEY", "planted")
    with Reader(Limits()) as reader:
        read(reader, FORMULA)
        *launchers, inner = descendants(pid(reader))
        assert launchers
        assert Path(f"/proc/{inner}/cmdline").read_bytes().startswith(sys.executable.encode())
        assert Path(f"/proc/{inner}/cmdline").read_bytes().endswith(b"slotforge.service.instances.inside\0")
        assert b"planted" not in Path(f"/proc/{inner}/environ").read_bytes()
        status = Path(f"/proc/{inner}/status").read_text()
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status


def test_one_that_is_killed_costs_its_file_and_no_other() -> None:
    with Reader(Limits()) as reader:
        one = reader.begin("a.cnf", lambda _: None)
        os.kill(pid(reader), signal.SIGKILL)
        with pytest.raises(FormulaError, match=FAILED):
            one.feed(FORMULA)
        assert read(reader, FORMULA) == FORMULA


def test_a_file_that_is_given_up_does_not_mix_with_the_next(vault: Vault) -> None:
    with vault.reader() as reader:
        with vault.receive("a.cnf", owner="o", reader=reader) as upload:
            upload.write(b"p cnf 9 9\n1 2")
        assert vault.add([FORMULA], name="b.cnf", owner="o", reader=reader).size == len(FORMULA)


@pytest.mark.parametrize(
    ("says", "error", "why"),
    [
        ("", FormulaError, FAILED),
        ("print('hello')", FormulaError, FAILED),
        ("send(b'?')", FormulaError, FAILED),
        (f"go.write({PLAIN!r} + b'\\xff\\xff\\xff\\xff'); go.flush(); time.sleep(9)", FormulaError, FAILED),
        ("time.sleep(99)", FormulaError, FAILED),
        (f"send({FACTS!r}, b'{{}}')", FormulaError, FAILED),
        (f"send({DONE!r}); send({FACTS!r}, b'{{}}')", FormulaError, FAILED),
        (f"send({DONE!r}); send({FACTS!r}, b'[' * 9999)", FormulaError, FAILED),
        (f"send({REFUSED!r}, b'no json')", FormulaError, FAILED),
        (f'send({REFUSED!r}, b\'{{"why": "it\\\\nis", "large": false}}\')', FormulaError, "^it is$"),
        (f"while True: send({PLAIN!r}, bytes(1 << 20))", TooLarge, r"^a\.cnf: holds more than 4194304 bytes"),
    ],
)
def test_one_that_lies_is_ended(
    says: str, error: type[FormulaError], why: str, monkeypatch: pytest.MonkeyPatch, vault: Vault
) -> None:
    instead(says, monkeypatch)
    monkeypatch.setattr(reading, "STILL_S", 3.0 if "time.sleep" in says else 60.0)
    small = Vault(vault.store, Limits(plain_bytes=4 << 20))
    with pytest.raises(error, match=why):
        small.add([FORMULA], name="a.cnf", owner="o")
    monkeypatch.undo()
    assert small.add([FORMULA], name="a.cnf", owner="o").size == len(FORMULA)


@pytest.mark.parametrize("says", ["time.sleep(99)", "send(inside.PLAIN, bytes(1 << 20)); time.sleep(99)"])
def test_one_that_takes_nothing_in_is_ended(says: str, monkeypatch: pytest.MonkeyPatch, vault: Vault) -> None:
    instead(says, monkeypatch)
    monkeypatch.setattr(reading, "STILL_S", 2.0)
    with pytest.raises(FormulaError, match=FAILED):
        vault.add([b"c" * (1 << 20)], name="a.cnf", owner="o")


def instead(says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program read uploads, in the same sandbox."""
    program = f"""
import sys, time
from slotforge.service.instances import inside

go = sys.stdout.buffer
send = lambda *said: inside.send(go, *said)
{says}
go.flush()
"""
    popen = reading.sandbox.popen
    monkeypatch.setattr(
        reading.sandbox, "popen", lambda _argv, **how: popen([sys.executable, "-s", "-P", "-c", program], **how)
    )


def pid(reader: Reader) -> int:
    assert reader._session
    return reader._session._started.process.pid


def descendants(process: int) -> list[int]:
    """List a process and those that it started, by what each says of its parent."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().partition("PPid:")[2].split()[0])
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found
