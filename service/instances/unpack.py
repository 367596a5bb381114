"""Decompress a file while it streams in: told by content, never by name, under limits that hold against bombs."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

from slotforge.core.errors import FormulaError

MIB = 1 << 20
PIECE = MIB
GRACE = 16 * MIB
MOST_STREAMS = 100_000
_TAR = 257  # where a tar file names itself
_SNIFFED = _TAR + 5

GZIP, XZ, BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"
PACKED: Mapping[bytes, str] = {GZIP: "gzip", XZ: "xz", BZIP2: "bzip2"}
FOREIGN: Mapping[bytes, str] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"LZIP": "lzip",
}
_LONGEST = max(map(len, [*PACKED, *FOREIGN]))


class TooLarge(FormulaError):
    """An upload is beyond a limit of size."""


@dataclass(frozen=True, kw_only=True)
class Most:
    """How much may come out of a file, and what that may take: see `limits.Limits`."""

    plain_bytes: int
    ratio: int
    memory: int


class Codec(Protocol):
    """A decompressor of one stream, as those of the standard library for xz and bzip2."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without more going in."""

    @property
    def unused_data(self) -> bytes:
        """What came after the end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return what comes out, or the next part of it."""


class _Gzip:
    """The standard library's decompressor of gzip, with the interface of the others."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(out) < max_length and not self._stream.unconsumed_tail
        return out


class Unpacker:
    """Hands on the plain content of a file, piece by piece.

    name: what messages call the file.
    take: is called with the pieces, each of at most PIECE bytes.
    """

    def __init__(self, name: str, most: Most, take: Callable[[bytes], None]) -> None:
        self._name, self._most, self._take = name, most, take
        self._codecs: Mapping[bytes, Callable[[], Codec]] = {
            GZIP: _Gzip,
            XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=most.memory),
            BZIP2: bz2.BZ2Decompressor,
        }
        self._head = b""  # the beginning of the file, until it tells the format
        self._magic: bytes | None = None  # of the format; empty for plain content
        self._codec: Codec | None = None
        self._between = b""  # bytes after the end of a stream
        self._streams = self._packed = self._plain = 0
        self._first = b""  # the beginning of the plain content, until it tells that it is no archive

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file.

        Raises:
            FormulaError: it is damaged, or of a format that is not taken.
            TooLarge: it is beyond a limit.
        """
        for start in range(0, len(data), PIECE):
            self._feed(data[start : start + PIECE])

    def close(self) -> None:
        """Take the end of the file; raises FormulaError when it comes too early, or bytes follow it."""
        if self._magic is None:
            self._expand(self._begin())
        if self._codec is not None:
            self._fail("the compressed content ends too early: the file is cut off")
        if self._between:
            self._fail("other bytes follow the end of the compressed content")
        self._sniff(b"", last=True)

    def _feed(self, data: bytes) -> None:
        self._packed += len(data)
        if self._magic is None:
            self._head += data
            if len(self._head) < _LONGEST:
                return
            data = self._begin()
        self._expand(data)

    def _begin(self) -> bytes:
        self._magic = next((magic for magic in PACKED if self._head.startswith(magic)), b"")
        head, self._head = self._head, b""
        if self._magic:
            self._open()
        return head

    def _open(self) -> None:
        assert self._magic is not None
        self._streams += 1
        if self._streams > MOST_STREAMS:
            self._fail(f"more than {MOST_STREAMS} compressed streams in a row", TooLarge)
        self._codec = self._codecs[self._magic]()

    def _expand(self, data: bytes) -> None:
        if not self._magic:
            if data:
                self._emit(data)
            return
        while data or (self._codec is not None and not self._codec.needs_input):
            data = self._next_stream(data) if self._codec is None else self._step(self._codec, data)

    def _step(self, codec: Codec, data: bytes) -> bytes:
        """Decompress some of a stream, and return what is left of the data."""
        try:
            out = codec.decompress(data, PIECE)
        except lzma.LZMAError as error:
            if "limit" in str(error):
                self._fail(f"needs more than {self._most.memory // MIB} MiB to decompress: use xz -9 or less", TooLarge)
            self._damaged()
        except (zlib.error, OSError, EOFError, ValueError):
            self._damaged()
        if out:
            self._emit(out)
        if not codec.eof:
            return b""
        self._codec = None
        return codec.unused_data

    def _next_stream(self, data: bytes) -> bytes:
        """Begin the next of several streams; zeros between them are padding."""
        assert self._magic
        self._between = (self._between + data).lstrip(b"\0")
        if len(self._between) < len(self._magic):
            return b""
        if not self._between.startswith(self._magic):
            self._fail("other bytes follow the end of the compressed content")
        data, self._between = self._between, b""
        self._open()
        return data

    def _emit(self, out: bytes) -> None:
        self._plain += len(out)
        most = self._most
        if self._plain > most.plain_bytes:
            self._fail(f"holds more than {most.plain_bytes} bytes, which is the limit here", TooLarge)
        if self._plain > GRACE and self._plain > most.ratio * self._packed:
            self._fail(f"expands to more than {most.ratio} times its size, which is the limit here", TooLarge)
        self._sniff(out)

    def _sniff(self, out: bytes, *, last: bool = False) -> None:
        """Refuse an archive, or a compressed file within a compressed one; hand on everything else."""
        if self._plain - len(out) >= _SNIFFED:
            if out:
                self._take(out)
            return
        self._first += out
        if len(self._first) < _SNIFFED and not last:
            return
        for magic, kind in {**PACKED, **FOREIGN}.items():
            if self._first.startswith(magic):
                where = " within a compressed file" if self._magic else ""
                self._fail(f"a {kind} file{where}: give CNF files, plain or compressed once by gzip, xz or bzip2")
        if self._first[_TAR:_SNIFFED] == b"ustar":
            self._fail("a tar archive: give the CNF files in it, plain or compressed by gzip, xz or bzip2")
        first, self._first = self._first, b""
        if first:
            self._take(first)

    def _damaged(self) -> NoReturn:
        assert self._magic
        self._fail(f"damaged: it begins as a {PACKED[self._magic]} file and is none")

    def _fail(self, reason: str, kind: type[FormulaError] = FormulaError) -> NoReturn:
        raise kind(f"{self._name}: {reason}")
