"""A PostgreSQL server of one's own, for tests and benchmarks, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def missing() -> str:
    """Say what there is to install before a server can be started; nothing when it can."""
    if not all(map(shutil.which, ("initdb", "pg_ctl"))):
        return "initdb and pg_ctl are not on PATH"
    if os.getuid() == 0 and _other() is None:
        return "it does not run as root, and there is no user postgres or nobody"
    return ""


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """Start a server on what a folder holds, or on an empty database; the answer is the URL of its one database.

    Args:
        folder: that others may enter, with a short path: its socket is there.
        options: settings as NAME=VALUE.
    """
    data, user = folder / "data", _other()
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    if not data.exists():
        _run(user, "initdb", "--auth=trust", "--username=tester", "--no-sync", str(data))
    settings = ("listen_addresses=''", "fsync=off", *options)
    text = f"-k {folder} " + " ".join(f"-c {setting}" for setting in settings)
    _run(user, "pg_ctl", "-w", "-t", "300", "-D", str(data), "-l", f"{folder}/log", "-o", text, "start")
    try:
        yield f"postgresql://tester@/postgres?host={folder}"
    finally:
        _run(user, "pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")


def _other() -> str | None:
    """Name a user that the server may run as, where this one is root: it refuses root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _run(user: str | None, *command: str) -> None:
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
