"""The inner end of `python`: reads asks, lets a function answer them, and says how that went, until input ends.

It runs in the sandbox: python -m slotforge.solvers.sandbox.python_inside MODULE:FUNCTION. A line of standard input is
an ask, and a line of standard output a reply. The function raises BuildError for what it finds unfit.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from slotforge.core.errors import BuildError

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]

UNTRUSTED = "<policy>"
"""The file name under which the function compiles what nobody trusts, so that an error can name the line."""

_WORDS = 300


def main() -> None:
    """Serve. What takes too much CPU time for one ask is ended by SIGPROF."""
    module, _, function = sys.argv[1].partition(":")
    answer: Answer = getattr(importlib.import_module(module), function)
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        said = json.loads(line)
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, said["cpu_s"])
        reply = _reply(answer, said["ask"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write(json.dumps({**reply, "cpu_s": time.process_time() - began}).encode() + b"\n")
        out.flush()


def _reply(answer: Answer, ask: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"outcome": "answered", "answer": answer(ask)}
    except BuildError as error:
        return {"outcome": "refused", "reason": _words(str(error))}
    except MemoryError:
        return {"outcome": "memory", "reason": "out of memory"}
    except Exception as error:
        return {"outcome": "crash", "reason": _words(f"{_where(error)}{type(error).__name__}: {error}")}


def _where(error: Exception) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == UNTRUSTED]
    return f"line {lines[-1]}: " if lines else ""


def _words(text: str) -> str:
    return " ".join(text.split())[:_WORDS]


if __name__ == "__main__":
    main()
