"""A formula in conjunctive normal form as plain values, and the DIMACS files that hold it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, NoReturn, overload

from slotforge.core.errors import FormulaError
from slotforge.solvers.sat.dimacs import COMMENT, END, HEADER, complaint, literals
from slotforge.solvers.sat.dimacs import MAX_VARIABLE as MAX_VARIABLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Status = Literal["sat", "unsat"]

BYTES_LIMIT = 2 * 2**30
_XZ_MEMORY_LIMIT = 2**30
_CHUNK = 2**24


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A CNF formula.

    variables: number of variables; literals are non-zero integers in [-variables, variables].
    clauses: one sequence of literals a clause, as written (duplicates and tautologies are kept).
    status: the answer, where theory gives it.
    """

    variables: int
    clauses: Sequence[Sequence[int]]
    status: Status | None = None


class ClauseArray(Sequence[Sequence[int]]):
    """Clauses in one array of 32-bit integers: an immutable sequence of lists of literals, a tenth of a list's size.

    flat: the literals of all clauses in order, each clause ended by 0.
    """

    def __init__(self, flat: NDArray[np.int32]) -> None:
        import numpy as np

        self.flat = flat
        self._ends = np.flatnonzero(flat == 0)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[int]]: ...
    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        start = int(self._ends[position - 1]) + 1 if position else 0
        return [int(literal) for literal in self.flat[start : self._ends[position]]]

    def __iter__(self) -> Iterator[list[int]]:
        start = 0
        for first in range(0, len(self), 2**16):
            ends = self._ends[first : first + 2**16]
            base, literals = start, self.flat[start : int(ends[-1])].tolist()
            for end in ends.tolist():
                yield literals[start - base : end - base]
                start = end + 1

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ClauseArray):
            return self.flat.tobytes() == other.flat.tobytes()
        if isinstance(other, Sequence):
            return len(self) == len(other) and all(a == list(b) for a, b in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<ClauseArray of {len(self)} clauses>"


def flatten(clauses: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Write clauses into one array.

    clauses: sequences of non-zero literals.

    Returns: the literals of all clauses in order, each clause ended by 0.
    """
    if isinstance(clauses, ClauseArray):
        return clauses.flat
    import numpy as np

    return np.fromiter((literal for clause in clauses for literal in (*clause, 0)), dtype=np.int32)


def read(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    name: str | None = None,
    warnings: list[str] | None = None,
    limit: int = BYTES_LIMIT,
) -> Formula:
    """Read a formula from a DIMACS file as competition solvers do.

    Comment lines may stand anywhere, the header may be missing or state other counts, clauses may span lines or be
    empty, and a line that starts with ``%`` ends the file (SATLIB). Compression is told by content.

    source: path of a file, plain or compressed by gzip, xz or bzip2; ``-`` for standard input; or a binary stream.
    name: what messages call the source; by default its path.
    warnings: list that receives one line for each departure from the format that was tolerated.
    limit: largest number of bytes, before and after decompression.

    Returns: the formula; its number of variables is that of the header or the largest one used, whichever is larger.

    Raises:
        FormulaError: the source cannot be read or is not such a file: ``NAME:LINE: reason``.
    """
    name = name or _name(source)
    return _parse(load(source, name=name, limit=limit), name, [] if warnings is None else warnings)


def load(source: str | os.PathLike[str] | IO[bytes], *, name: str | None = None, limit: int = BYTES_LIMIT) -> bytes:
    """Read the bytes of a file, decompressed, under a limit that holds against decompression bombs.

    source, name, limit: as for ``read``.

    Returns: the decompressed content.

    Raises:
        FormulaError: the source cannot be read, is damaged, or holds more than ``limit`` bytes.
    """
    import lzma
    import zlib

    name = name or _name(source)
    try:
        data = _read_source(source, limit + 1)
        for magic, expand in _COMPRESSIONS.items():
            if data.startswith(magic) and len(data) <= limit:
                data = expand(io.BytesIO(data), limit + 1)
                break
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FormulaError(f"{name}: cannot be read: {reason}") from error
    if len(data) > limit:
        raise FormulaError(f"{name}: holds more than {limit} bytes; a larger limit is needed to read it")
    return data


def is_compressed(path: str | os.PathLike[str]) -> bool:
    """Tell by content whether a file is compressed in a way that ``read`` knows.

    path: an existing file.

    Returns: whether it starts as a gzip, xz or bzip2 file does.
    """
    with open(path, "rb") as stream:
        return stream.read(8).startswith(tuple(_COMPRESSIONS))


def to_dimacs(formula: Formula) -> bytes:
    """Write a formula in DIMACS format, one clause a line under a right header.

    formula: any formula.

    Returns: the content of a CNF file.
    """
    header = f"p cnf {formula.variables} {len(formula.clauses)}\n"
    return (header + "".join([" ".join(map(str, (*clause, 0))) + "\n" for clause in formula.clauses])).encode()


def write(formula: Formula, path: str | os.PathLike[str]) -> None:
    """Write a formula to a plain DIMACS file.

    formula: any formula.
    path: file to create or replace.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(to_dimacs(formula))


def content_hash(formula: Formula) -> str:
    """Name a formula by its clauses as written, whatever its file is called, compressed with or commented.

    formula: any formula.

    Returns: 16 hexadecimal digits, the first of the SHA-256 of the clauses as little-endian 32-bit integers.
    """
    import hashlib

    return hashlib.sha256(flatten(formula.clauses).astype("<i4", copy=False).tobytes()).hexdigest()[:16]


def _name(source: str | os.PathLike[str] | IO[bytes]) -> str:
    if isinstance(source, (str, os.PathLike)):
        return "<stdin>" if os.fspath(source) == "-" else os.fspath(source)
    return str(getattr(source, "name", "<stream>"))


def _read_source(source: str | os.PathLike[str] | IO[bytes], count: int) -> bytes:
    if not isinstance(source, (str, os.PathLike)):
        return source.read(count)
    if os.fspath(source) == "-":
        return sys.stdin.buffer.read(count)
    with open(source, "rb") as stream:
        return stream.read(count)


def _expand_gzip(stream: IO[bytes], count: int) -> bytes:
    import gzip

    with gzip.GzipFile(fileobj=stream) as file:
        return file.read(count)


def _expand_bzip2(stream: IO[bytes], count: int) -> bytes:
    import bz2

    with bz2.BZ2File(stream) as file:
        return file.read(count)


def _expand_xz(stream: IO[bytes], count: int) -> bytes:
    """Expand all streams of an xz file; unlike the standard library's file object, with a limit of memory."""
    import lzma

    expanded = bytearray()
    while block := stream.read(2**16):
        decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY_LIMIT)
        while True:
            expanded += decompressor.decompress(block, count - len(expanded))
            if len(expanded) == count:
                return bytes(expanded)
            if decompressor.eof:
                break
            if not (block := stream.read(2**16)):
                raise EOFError("the xz stream ends too early")
        stream.seek(-len(decompressor.unused_data), io.SEEK_CUR)
        _skip_padding(stream)
    return bytes(expanded)


def _skip_padding(stream: IO[bytes]) -> None:
    while padding := stream.read(4):
        if padding != bytes(4):
            stream.seek(-len(padding), io.SEEK_CUR)
            return


_COMPRESSIONS: dict[bytes, Callable[[IO[bytes], int], bytes]] = {
    b"\x1f\x8b": _expand_gzip,
    b"\xfd7zXZ\x00": _expand_xz,
    b"BZh": _expand_bzip2,
}


def _parse(data: bytes, name: str, warnings: list[str]) -> Formula:
    import numpy as np

    header = HEADER.match(data)
    if header and int(header[1]) > MAX_VARIABLE:
        _diagnose(data, name)
    blocks = []
    for chunk in _chunks(data, header.end() if header else 0):
        block = literals(chunk)
        if block is None:
            _diagnose(data, name)
        blocks.append(block)
    flat = np.concatenate([np.empty(0, np.int32), *blocks])
    if (len(flat) and flat[-1] != 0) or (header is None and not len(flat)):
        _diagnose(data, name)
    clauses = ClauseArray(flat)
    used = int(np.abs(flat).max(initial=0))
    if header is None:
        warnings.append(f"{name}: the header 'p cnf VARIABLES CLAUSES' is missing")
        return Formula(variables=used, clauses=clauses)
    declared, count = int(header[1]), int(header[2])
    if used > declared:
        warnings.append(f"{name}: the header states {declared} variables, the clauses use {used}")
    if count != len(clauses):
        warnings.append(f"{name}: the header states {count} clauses, the file holds {len(clauses)}")
    return Formula(variables=max(used, declared), clauses=clauses)


def _chunks(data: bytes, start: int) -> Iterator[bytes]:
    """Cut the text of the clauses at ends of lines, without comments and without what follows the end mark."""
    while start < len(data):
        end = data.find(b"\n", start + _CHUNK) + 1 or len(data)
        chunk = data[start:end]
        start = end
        if b"c" in chunk:
            chunk = COMMENT.sub(b"", chunk)
        if b"%" in chunk and (mark := END.search(chunk)):
            chunk, start = chunk[: mark.start()], len(data)
        yield chunk


def _diagnose(data: bytes, name: str) -> NoReturn:
    """Find the first line that cannot be read, slowly, and say what is wrong with it."""
    header = HEADER.match(data)
    header_line = data.count(b"\n", 0, header.start(1)) + 1 if header else 0
    if header and int(header[1]) > MAX_VARIABLE:
        raise FormulaError(f"{name}:{header_line}: a variable is at most {MAX_VARIABLE}")
    number, open_clause, any_clause = 0, False, False
    for number, line in enumerate(io.BytesIO(data), 1):
        words = line.split()
        if not words or words[0].startswith(b"c") or number == header_line:
            continue
        if words[0].startswith(b"%"):
            break
        for word in words:
            if reason := complaint(word, first=word is words[0]):
                raise FormulaError(f"{name}:{number}: {reason}")
        any_clause, open_clause = True, words[-1].strip(b"0") != b""
    if open_clause:
        raise FormulaError(f"{name}:{number}: the last clause is not ended by 0")
    if not any_clause and header is None:
        raise FormulaError(f"{name}:1: neither a header 'p cnf VARIABLES CLAUSES' nor a clause: not a DIMACS CNF file")
    raise FormulaError(f"{name}: not a DIMACS CNF file")
