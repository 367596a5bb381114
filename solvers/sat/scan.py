"""Check a DIMACS CNF file while it streams by, in bounded memory; by the rules of `cnf.read`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from slotforge.core.errors import FormulaError
from slotforge.solvers.sat.dimacs import BLANK, COMMENT, END, HEADER, MAX_VARIABLE, complaint, literals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1 << 20
LONGEST_WORD = 1 << 16  # bytes; zeros may stand before a number, but not without end
_PREFACE = re.compile(rb"(?:B*+(?:c[^\n]*+)?\n)*+".replace(b"B", BLANK))
_BLANKS = (b" ", b"\t", b"\r", b"\v", b"\f")


@dataclass(frozen=True, kw_only=True)
class Most:
    """How large a formula may be; what its header states counts as well."""

    variables: int = MAX_VARIABLE
    clauses: int = 10**18
    literals: int = 10**18


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a file holds. formula: as `cnf.content_hash` names it; warnings: one line for each tolerated departure."""

    variables: int
    clauses: int
    literals: int
    formula: str
    warnings: tuple[str, ...] = ()


class Scanner:
    """Takes a file piece by piece, and says where it is no DIMACS CNF file.

    name: what messages call the file.
    """

    def __init__(self, name: str, most: Most | None = None) -> None:
        self._name, self._most = name, most or Most()
        self._pending = bytearray()
        self._line = 1  # that the pending bytes begin in
        self._inside = False  # whether they begin within a line of the clauses
        self._skipping = False  # whether they begin within a comment
        self._body = self._ended = False
        self._header: tuple[int, int] | None = None
        self._used = self._clauses = self._literals = 0
        self._last = 1  # line with a literal
        self._open = False
        self._hash = hashlib.sha256()

    def feed(self, data: bytes) -> None:
        """Take the next piece; raises FormulaError with the line of what is wrong."""
        if self._ended:
            return
        self._pending += data
        if len(self._pending) >= CHUNK:
            self._take(self._whole())

    def close(self) -> Facts:
        """Take the end, and say what the file holds; raises FormulaError."""
        if not self._ended:
            self._take(bytes(self._pending))
        if self._open:
            self._fail("the last clause is not ended by 0", self._last)
        if self._header is None and not self._clauses:
            self._fail("neither a header 'p cnf VARIABLES CLAUSES' nor a clause: not a DIMACS CNF file", 1)
        declared, count = self._header or (0, self._clauses)
        warnings = []
        if self._header is None:
            warnings.append(f"{self._name}: the header 'p cnf VARIABLES CLAUSES' is missing")
        elif self._used > declared:
            warnings.append(f"{self._name}: the header states {declared} variables, the clauses use {self._used}")
        if count != self._clauses:
            warnings.append(f"{self._name}: the header states {count} clauses, the file holds {self._clauses}")
        return Facts(
            variables=max(self._used, declared),
            clauses=self._clauses,
            literals=self._literals,
            formula=self._hash.hexdigest()[:16],
            warnings=tuple(warnings),
        )

    def _whole(self) -> bytes:
        """Cut off whole lines, or where a line does not end, whole words."""
        end = self._pending.rfind(b"\n") + 1
        if end or self._in_comment():
            return bytes(self._pending[: end or None])
        end = 1 + max(map(self._pending.rfind, _BLANKS))
        if len(self._pending) - end > LONGEST_WORD:
            self._fail(f"a literal is expected, not a word of more than {LONGEST_WORD} bytes", self._line)
        return bytes(self._pending[:end])

    def _in_comment(self) -> bool:
        return self._skipping or (not self._inside and bool(COMMENT.match(self._pending)))

    def _take(self, chunk: bytes) -> None:
        del self._pending[: len(chunk)]
        rest = self._continued(chunk)
        if not self._body and rest:
            rest = self._preface(rest)
        if rest:
            self._clause_lines(rest)

    def _continued(self, chunk: bytes) -> bytes:
        """Take the rest of a line that was cut, and return the lines after it."""
        if not (self._skipping or self._inside):
            return chunk
        end = chunk.find(b"\n") + 1 or len(chunk)
        line = chunk[:end]
        if self._inside:
            self._numbers(line, line, begun=True)
        if line.endswith(b"\n"):
            self._line += 1
            self._skipping = self._inside = False
        return chunk[end:]

    def _preface(self, chunk: bytes) -> bytes:
        """Skip the comments before the first line of another kind, and take the header if it is one."""
        found = _PREFACE.match(chunk)
        assert found is not None
        self._line += chunk.count(b"\n", 0, found.end())
        chunk = chunk[found.end() :]
        if not chunk.strip() or self._begun_comment(chunk):
            return chunk if chunk.strip() else b""
        self._body = True
        header = HEADER.match(chunk)
        if header is None:
            return chunk
        self._header = int(header[1]), int(header[2])
        if self._header[0] > MAX_VARIABLE:
            self._fail(f"a variable is at most {MAX_VARIABLE}", self._line)
        self._check(*self._header, self._line)
        self._line += chunk.count(b"\n", 0, header.end())
        return chunk[header.end() :]

    def _begun_comment(self, chunk: bytes) -> bool:
        """Whether a chunk, all of which is one line without an end, is a comment."""
        return b"\n" not in chunk and bool(COMMENT.match(chunk))

    def _clause_lines(self, chunk: bytes) -> None:
        """Take whole lines, of which the last may have been cut."""
        text = COMMENT.sub(b"", chunk) if b"c" in chunk else chunk
        if b"%" in text and (mark := END.search(text)):
            text, self._ended = text[: mark.start()], True
        self._numbers(text, chunk)
        if self._ended:
            return
        self._line += chunk.count(b"\n")
        tail = chunk[chunk.rfind(b"\n") + 1 :]
        self._skipping = bool(COMMENT.match(tail))
        self._inside = bool(tail.strip()) and not self._skipping

    def _numbers(self, text: bytes, chunk: bytes, *, begun: bool = False) -> None:
        block = literals(text)
        if block is None:
            self._diagnose(chunk, begun)
        if len(block):
            self._count(block, chunk)

    def _count(self, block: NDArray[np.int32], chunk: bytes) -> None:
        import numpy as np

        zeros = len(block) - int(np.count_nonzero(block))
        self._clauses += zeros
        self._literals += len(block) - zeros
        self._used = max(self._used, int(np.abs(block).max()))
        self._open = bool(block[-1])
        self._last = self._line + chunk.rstrip().count(b"\n")
        self._check(self._used, self._clauses, self._last)
        self._hash.update(block.astype("<i4", copy=False).tobytes())

    def _check(self, variables: int, clauses: int, line: int) -> None:
        for count, most, what in (
            (variables, self._most.variables, "variables"),
            (clauses, self._most.clauses, "clauses"),
            (self._literals, self._most.literals, "literals"),
        ):
            if count > most:
                self._fail(f"more than {most} {what}, which is the limit here", line)

    def _diagnose(self, chunk: bytes, begun: bool) -> NoReturn:
        """Find the first line that cannot be read, slowly, and say what is wrong with it."""
        for number, line in enumerate(chunk.split(b"\n")):
            words = line.split()
            fresh = number > 0 or not begun
            if not words or (fresh and words[0].startswith(b"c")):
                continue
            for place, word in enumerate(words):
                if reason := complaint(word, first=fresh and place == 0):
                    self._fail(reason, self._line + number)
        self._fail("not a DIMACS CNF file", self._line)

    def _fail(self, reason: str, line: int) -> NoReturn:
        raise FormulaError(f"{self._name}:{line}: {reason}")
