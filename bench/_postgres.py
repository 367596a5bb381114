"""A PostgreSQL server of our own, that can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slotforge.bench._processes import children
from slotforge.core.errors import SlotforgeError, UsageError

PROGRAMS = ("initdb", "pg_ctl")
START_S = 60.0


@dataclass(frozen=True)
class Postgres:
    """A server with its data and its socket in a folder, which belongs to the user that it runs as."""

    folder: Path
    user: str | None

    @property
    def url(self) -> str:
        """Where its one database is."""
        return f"postgresql+psycopg://tester@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it, also after it was killed; raises SlotforgeError when it does not come up."""
        options = f"-k {self.folder} -c listen_addresses=''"
        end = time.monotonic() + START_S
        while not self._control("-w", "-l", str(self.folder / "log"), "-o", options, "start"):
            if time.monotonic() > end:
                raise SlotforgeError(f"PostgreSQL does not start: see {self.folder}/log")
            time.sleep(0.2)  # what is left of the one before is going

    def kill(self) -> None:
        """Kill all of its processes at once."""
        leader = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for process in (leader, *children(leader)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it."""
        self._control("-w", "-m", "immediate", "stop")

    def _control(self, *arguments: str) -> bool:
        command = ("pg_ctl", "-D", str(self.folder / "data"), *arguments)
        return _run(self.user, *command) == 0


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server for the length of a block; raises UsageError where it is not installed."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise UsageError(
            f"PostgreSQL's {missing[0]} is not on PATH: install postgresql, and add its bin folder to PATH"
        )
    with tempfile.TemporaryDirectory(prefix="slotforge-pg-") as folder:
        server = Postgres(Path(folder), _user(folder))
        if _run(server.user, "initdb", "--auth=trust", "--username=tester", "--no-sync", f"{folder}/data"):
            raise SlotforgeError("initdb failed: PostgreSQL cannot make its files")
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _user(folder: str) -> str | None:
    """Give the folder to a user that the server may run as: it refuses root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
            return name
    raise UsageError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _run(user: str | None, *command: str) -> int:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, user=user, stdout=quiet, stderr=quiet, cwd="/").returncode
