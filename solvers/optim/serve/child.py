"""The life of one candidate's process: a copy of the zygote that confines itself, then answers until it is killed."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import struct
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from slotforge.core.errors import BuildError
from slotforge.solvers.optim.serve.programs import Programs

Answer = Callable[[dict[str, Any]], Mapping[str, Any]]

FILTER = "SLOTFORGE_COPY_FILTER"
_SET_SECCOMP, _MODE_FILTER = 22, 2  # of prctl(2)
_WORDS = 300
_SHORT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "bad_alloc", "Out of memory")


def live(answer: Answer, programs: Programs, inbox: int, outbox: int, memory_mb: int) -> NoReturn:
    """Confine this process and serve.

    Args:
        answer: says what is to be said of an ask.
        programs: JAX's cache here.
        inbox, outbox: pipes from and to the zygote.
        memory_mb: of private memory.
    """
    status = 1
    try:
        inbox, outbox = _close_others(inbox, outbox)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
        seal()
        with open(inbox, "rb") as asks, open(outbox, "wb") as answers:
            for line in asks:
                answers.write(_said(answer, programs, line) + b"\n")
                answers.flush()
        status = 0
    finally:
        os._exit(status)


def _close_others(inbox: int, outbox: int) -> tuple[int, int]:
    """Move both pipes up, close all else, and put a deaf and empty standard input, output and error in its place."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    high = max(inbox, outbox, nothing) + 1
    kept = (high, high + 1)
    os.dup2(inbox, kept[0])
    os.dup2(outbox, kept[1])
    for standard in range(3):
        os.dup2(nothing, standard)
    os.closerange(3, high)
    os.closerange(high + 2, os.sysconf("SC_OPEN_MAX"))
    return kept


def seal() -> None:
    """Give up processes, signals and limits for good: the filter that the launcher prepared for copies.

    Raises:
        OSError: the kernel refuses.
    """
    code = bytes.fromhex(os.environ.get(FILTER, ""))
    if not code:
        return  # level 0, which was asked for
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter for copies was refused")


def _said(answer: Answer, programs: Programs, line: bytes) -> bytes:
    try:
        said = json.loads(line)
        programs.receive(said["programs"])
        reply = {"outcome": "answered", "answer": dict(answer(said["ask"]))}
        return json.dumps(reply | {"programs": programs.hand_out()}).encode()
    except BuildError as error:
        return _failed("refused", str(error))
    except MemoryError:
        return _failed("memory", "out of memory")
    except BaseException as error:
        words = f"{type(error).__name__}: {error}"
        return _failed("memory" if any(word in words for word in _SHORT_OF_MEMORY) else "crash", words)


def _failed(outcome: str, reason: str) -> bytes:
    return json.dumps({"outcome": outcome, "reason": " ".join(reason.split())[:_WORDS]}).encode()
