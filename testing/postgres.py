"""A PostgreSQL server of one's own, for tests and benchmarks, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slotforge.core.errors import SlotforgeError
from slotforge.testing.processes import children

CARELESS = "fsync=off"  # what a power cut would lose: for what only lasts as long as a test
START_S = 60.0
LOOK_S = 0.2  # between two looks at what is to end


def missing() -> str:
    """Say what there is to install before a server can be started; nothing when it can."""
    if not all(map(shutil.which, ("initdb", "pg_ctl"))):
        return "initdb and pg_ctl are not on PATH: install postgresql, and add its bin folder to PATH"
    if os.getuid() == 0 and _other() is None:
        return "it does not run as root, and there is no user postgres or nobody"
    return ""


@dataclass(frozen=True)
class Postgres:
    """A server with its data and its socket in a folder.

    folder: that others may enter, with a short path.
    options: settings as NAME=VALUE.
    """

    folder: Path
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where its one database is."""
        return f"postgresql://tester@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it on what the folder holds, or on an empty database; also after it was killed.

        Raises:
            SlotforgeError: it does not come up.
        """
        if not (self.folder / "data").exists():
            self._make()
        settings = " ".join(f"-c {setting}" for setting in ("listen_addresses=''", *self.options))
        end = time.monotonic() + START_S
        log = str(self.folder / "log")
        while not self._control("-w", "-t", "300", "-l", log, "-o", f"-k {self.folder} {settings}", "start"):
            if time.monotonic() > end:
                raise SlotforgeError(f"PostgreSQL does not start: see {log}")
            time.sleep(LOOK_S)  # what is left of the one before is going

    def kill(self) -> None:
        """Kill all of its processes at once."""
        leader = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for process in (leader, *children(leader)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, without waiting for anybody."""
        self._control("-w", "-m", "immediate", "stop")

    def _make(self) -> None:
        if user := _other():
            os.chown(self.folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        if not _run("initdb", "--auth=trust", "--username=tester", "--no-sync", str(self.folder / "data")):
            raise SlotforgeError("initdb failed: PostgreSQL cannot make its files")

    def _control(self, *arguments: str) -> bool:
        return _run("pg_ctl", "-D", str(self.folder / "data"), *arguments)


@contextmanager
def server(*options: str, folder: Path | None = None) -> Iterator[Postgres]:
    """Run a server for the length of a block, with its data in a folder that stays, or else in one that goes.

    It ends with this process as well, even if that is killed.
    """
    with tempfile.TemporaryDirectory(prefix="slotforge-pg-", dir="/tmp") as passing:
        made = Postgres(folder or Path(passing), options)
        with _watched(made.folder, passing):
            made.start()
            try:
                yield made
            finally:
                made.stop()


@contextmanager
def _watched(folder: Path, passing: str) -> Iterator[None]:
    """Have another process outlive this one, should it end within the block, and do what it has left undone."""
    command = [sys.executable, "-P", "-m", __name__, str(os.getpid()), str(folder), passing]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/") as watcher:
        try:
            yield
        finally:
            watcher.kill()


def _watch(process: int, made: Postgres, passing: Path) -> None:
    """Wait for the end of the process that has started this one, then stop its server and remove the passing folder."""
    while os.getppid() == process:
        time.sleep(LOOK_S)
    end = time.monotonic() + START_S
    while passing.exists() and time.monotonic() < end:  # again, if it was just starting
        made.stop()
        shutil.rmtree(passing, ignore_errors=True)
        time.sleep(LOOK_S)


def _other() -> str | None:
    """Name a user that the server may run as, where this one is root: it refuses root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _run(*command: str) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, user=_other(), stdout=quiet, stderr=quiet, cwd="/").returncode == 0


if __name__ == "__main__":
    _watch(int(sys.argv[1]), Postgres(Path(sys.argv[2])), Path(sys.argv[3]))
