"""The words of a DIMACS CNF file, for whoever reads one as a whole or piece by piece."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_VARIABLE = 2**28 - 1

BLANK = rb"[ \t\r\v\f]"
HEADER = re.compile(
    rb"(?:B*+(?:c[^\n]*+)?\n)*+B*+pB++cnfB++(\d{1,18}+)B++(\d{1,18}+)B*+(?:\n|\Z)".replace(b"B", BLANK),
)
COMMENT = re.compile(rb"^" + BLANK + rb"*+c[^\n]*+", re.MULTILINE)
END = re.compile(rb"^" + BLANK + rb"*+%", re.MULTILINE)
NUMBER = re.compile(rb"0+|-?[1-9][0-9]*|0+[1-9][0-9]*")


def literals(chunk: bytes) -> NDArray[np.int32] | None:
    """Read the numbers of a chunk; None when it holds anything else."""
    import numpy as np

    if chunk.translate(None, b"0123456789- \t\r\n\v\f"):
        return None
    if not chunk.strip():
        return np.empty(0, np.int32)
    text = np.frombuffer(b" " + chunk + b" ", np.uint8)
    minus = np.flatnonzero(text == ord("-"))
    if (text[minus - 1] > ord(" ")).any() or (text[minus + 1] < ord("1")).any():
        return None
    numbers = np.fromstring(chunk, dtype=np.int64, sep=" ")
    if numbers.max() > MAX_VARIABLE or numbers.min() < -MAX_VARIABLE:
        return None
    return numbers.astype(np.int32)


def complaint(word: bytes, *, first: bool) -> str | None:
    """Say why a word is not a literal; None when it is one."""
    if first and word.startswith(b"p"):
        return "the header is one line 'p cnf VARIABLES CLAUSES' before the clauses"
    if not NUMBER.fullmatch(word):
        return f"a literal is expected, not {word[:20].decode('latin-1')!a}"
    digits = word.lstrip(b"-0")
    if len(digits) > 9 or int(digits or b"0") > MAX_VARIABLE:
        return f"a variable is at most {MAX_VARIABLE}"
    return None
