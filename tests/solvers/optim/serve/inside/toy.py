"""What runs in a candidate's process in these tests: every kind of answer, and every kind of harm."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from slotforge.core.errors import BuildError

memory: dict[str, Any] = {}


def answer(ask: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked: {"do": name, ...}."""
    return {"said": DEEDS[ask["do"]](ask.get("with"))}


def count(_: Any) -> int:
    memory["count"] = memory.get("count", 0) + 1
    return int(memory["count"])


def add(numbers: list[float]) -> list[Any]:
    """Compute with a program that is compiled once, and tell how many programs JAX has found in its cache."""
    import jax

    if "add" not in memory:
        hits: list[str] = []
        jax.monitoring.register_event_listener(lambda name, **_: hits.append(name) if "cache_hits" in name else None)
        memory["hits"] = hits
        memory["add"] = jax.jit(lambda x: (x * 2 + 1).sum())
    return [float(memory["add"](jax.numpy.asarray(numbers))), len(memory["hits"])]


def svd(size: int) -> list[float]:
    import jax

    matrix = jax.random.normal(jax.random.key(0), (size, size))
    values: list[float] = jax.jit(lambda x: jax.numpy.linalg.svd(x @ x)[1])(matrix).tolist()
    return [*values, hash("word")]


def precision(_: Any) -> str:
    import jax

    return str(jax.numpy.ones(1).dtype)


def loop(_: Any) -> None:
    while True:
        pass


def compiled_loop(_: Any) -> float:
    import jax

    return float(jax.lax.while_loop(lambda x: x < 2, jax.numpy.sin, 1.0))


def sleep(_: Any) -> None:
    time.sleep(60)


def hoard(_: Any) -> int:
    blocks = []
    while True:
        blocks.append(bytearray(1 << 24))


def compiled_hoard(size: int) -> float:
    import jax

    return float(jax.jit(lambda n: jax.numpy.outer(n, n).cumsum(0).cumsum(1).max())(jax.numpy.ones(size)))


def refuse(_: Any) -> None:
    raise BuildError("line 3: no loops")


def raises(_: Any) -> None:
    raise ValueError("two\nlines")


def leave(_: Any) -> None:
    raise SystemExit(3)


def mock(_: Any) -> None:
    for pipe in pipes():
        os.write(pipe, b'{"outcome": "refused", "reason": "\\u001b[2J\\n' + b"x" * 1000 + b'", "answer": {"a": 1}}\n')
    time.sleep(60)


def babble(_: Any) -> None:
    for pipe in pipes():
        os.write(pipe, b"{}\n{}\n")
    time.sleep(60)


def gibberish(_: Any) -> None:
    for pipe in pipes():
        os.write(pipe, b"[" * 100_000 + b"\n")
    time.sleep(60)


def pipes() -> list[int]:
    """The descriptors above the standard ones that can be written."""
    found = []
    for fd in range(3, 256):
        try:
            os.write(fd, b"")
            found.append(fd)
        except OSError:
            continue
    return found


def harms(given: dict[str, Any]) -> list[str]:
    """Try every harm once and name those that succeeded."""
    return [name for name, harm in HARMS.items() if succeeds(lambda harm=harm: harm(given))]


def succeeds(harm: Callable[[], Any]) -> bool:
    try:
        return harm() is not False
    except (OSError, KeyError):
        return False


def connect(given: dict[str, Any]) -> None:
    with socket.socket() as end:
        end.connect(("127.0.0.1", given["port"]))


def fork(_: Any) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def write_file(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"harm")


def execute(_: Any) -> bool:
    """Wait for its end: a signal that came later, of a process that is traced by then, would stop that for good."""
    return os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0


def trace(_: Any) -> bool:
    return bool(ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0)


HARMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "read a secret": lambda given: open(given["secret"]).close(),
    "list the home folder": lambda given: os.listdir(given["home"]),
    "read the passwords": lambda _: open("/etc/passwd").close(),
    "overwrite": lambda given: write_file(given["secret"]),
    "create": lambda given: write_file(given["home"] + "/new"),
    "write to /tmp": lambda _: write_file("/tmp/slotforge-harm"),
    "remove": lambda given: os.unlink(given["removable"]),
    "connect": connect,
    "socket pair": lambda _: socket.socketpair(),
    "fork": fork,
    "exec": execute,
    "signal the parent": lambda _: os.kill(os.getppid(), signal.SIGCONT),
    "kill the group": lambda _: os.killpg(0, 0),
    "own session": lambda _: os.setsid() if os.getsid(0) != os.getpid() else False,
    "trace": trace,
    "speak for the server": lambda _: os.write(1, b" "),
}

DEEDS: dict[str, Callable[[Any], Any]] = {
    "echo": lambda given: given,
    "count": count,
    "add": add,
    "svd": svd,
    "precision": precision,
    "loop": loop,
    "compiled loop": compiled_loop,
    "sleep": sleep,
    "hoard": hoard,
    "compiled hoard": compiled_hoard,
    "refuse": refuse,
    "raise": raises,
    "leave": leave,
    "abort": lambda _: os.abort(),
    "exit": lambda _: os._exit(3),
    "large": lambda size: "x" * size,
    "object": lambda _: object(),
    "mock": mock,
    "babble": babble,
    "gibberish": gibberish,
    "kill parent": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "harms": harms,
}
