"""Files are decompressed while they stream in, and what would do harm is refused with one line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import FormulaError
from slotforge.service.instances import unpack
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.unpack import MIB, Most, TooLarge, Unpacker
from slotforge.solvers.sat import cnf

Pack = Callable[[bytes], bytes]
PACKS: dict[str, Pack] = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}
FORMULA = b"p cnf 3 2\n1 -3 0\n2 3 -1 0\n"


def most(**limits: int) -> Most:
    """Return what a service allows, with some limits of one's own."""
    return Most(**Limits(**limits).model_dump(include={*Most.__annotations__}))


SMALL = most(plain_bytes=64 * MIB)


def unpacked(data: bytes, limits: Most = SMALL, step: int = 1 << 16) -> bytes:
    found: list[bytes] = []
    unpacker = Unpacker("f", limits, found.append)
    for start in range(0, len(data), step):
        unpacker.feed(data[start : start + step])
    unpacker.close()
    return b"".join(found)


def bomb(pack: str, count: int) -> bytes:
    """Compress the letter that begins a comment, many times, without having all of it in memory at once."""
    if pack == "gzip":
        stream = zlib.compressobj(9, wbits=31)
        parts = [stream.compress(b"c" * MIB) for _ in range(count // MIB)]
        return b"".join([*parts, stream.flush()])
    made = bz2.BZ2Compressor() if pack == "bzip2" else lzma.LZMACompressor(preset=1)
    parts = [made.compress(b"c" * MIB) for _ in range(count // MIB)]
    return b"".join([*parts, made.flush()])


@given(
    content=st.binary(max_size=3000).filter(lambda data: not data.startswith((*unpack.PACKED, *unpack.FOREIGN))),
    pack=st.sampled_from(["plain", *PACKS]),
    streams=st.integers(1, 4),
    padding=st.sampled_from([0, 4, 8]),
    step=st.integers(1, 400),
)
@settings(max_examples=300, deadline=None)
def test_any_content_comes_out_as_it_was_however_it_is_packed_and_cut(
    content: bytes, pack: str, streams: int, padding: int, step: int
) -> None:
    packed = content
    if pack != "plain":
        cut = -(-len(content) // streams)
        pieces = [content[start : start + cut] for start in range(0, len(content), cut or 1)] or [b""]
        packed = bytes(padding).join(PACKS[pack](piece) for piece in pieces)
    assert unpacked(packed, step=step) == content


@pytest.mark.parametrize("pack", PACKS)
def test_what_the_solver_reads_is_what_is_kept(pack: str) -> None:
    packed = PACKS[pack](FORMULA)
    assert unpacked(packed, step=7) == cnf.load(io.BytesIO(packed)) == FORMULA


@pytest.mark.parametrize("pack", PACKS)
def test_a_bomb_is_refused_by_its_ratio_before_it_is_expanded(pack: str) -> None:
    packed = bomb(pack, 32 * MIB)
    size = 0

    def take(piece: bytes) -> None:
        nonlocal size
        size += len(piece)

    unpacker = Unpacker("f", most(), take)
    with pytest.raises(TooLarge, match=r"^f: expands to more than 300 times its size, which is the limit here$"):
        unpacker.feed(packed)
    assert size <= max(unpack.GRACE, len(packed) * 300)


@pytest.mark.parametrize("pack", ["plain", *PACKS])
def test_a_content_beyond_the_limit_is_refused_at_the_limit(pack: str) -> None:
    limits = most(plain_bytes=3 * MIB)
    packed = bytes(8 * MIB) if pack == "plain" else bomb(pack, 8 * MIB)
    with pytest.raises(TooLarge, match=rf"^f: holds more than {3 * MIB} bytes, which is the limit here$"):
        unpacked(packed, limits)


def test_a_file_that_wants_much_memory_to_be_decompressed_is_refused() -> None:
    packed = lzma.compress(FORMULA, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2 * MIB}])
    assert unpacked(packed) == FORMULA
    with pytest.raises(TooLarge, match=r"^f: needs more than 1 MiB to decompress: use xz -9 or less$"):
        unpacked(packed, most(memory=MIB))
    assert unpacked(lzma.compress(FORMULA, preset=9)) == FORMULA


@pytest.mark.parametrize("pack", PACKS)
def test_a_file_that_was_cut_off_is_refused_wherever_it_was_cut(pack: str) -> None:
    packed = PACKS[pack](FORMULA * 50)
    for length in range(unpack._LONGEST, len(packed)):
        with pytest.raises(FormulaError, match=r"^f: (the compressed content ends too early|damaged)"):
            unpacked(packed[:length])


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("garbage", [b"x", b"\0\0x", b"1 2 0\n" * 99, b"PK\x03\x04"])
def test_bytes_after_the_end_are_refused(pack: str, garbage: bytes) -> None:
    with pytest.raises(FormulaError, match=r"^f: other bytes follow the end of the compressed content$"):
        unpacked(PACKS[pack](FORMULA) + garbage, step=5)


@pytest.mark.parametrize("pack", PACKS)
def test_a_damaged_file_is_refused(pack: str) -> None:
    packed = bytearray(PACKS[pack](FORMULA * 50))
    for place in range(len(packed) // 3, len(packed), 7):
        damaged = bytes([*packed[:place], packed[place] ^ 0x55, *packed[place + 1 :]])
        told = ""
        try:
            came = unpacked(damaged)
        except FormulaError as error:
            told = str(error)
        if told:
            assert re.fullmatch(r"f: [^\n]+", told)
        else:
            assert came == FORMULA * 50  # a byte that means nothing, such as the time in a gzip file


@pytest.mark.parametrize("outer", PACKS)
@pytest.mark.parametrize("inner", PACKS)
def test_a_compressed_file_within_a_compressed_file_is_refused(outer: str, inner: str) -> None:
    with pytest.raises(FormulaError, match=rf"^f: a {inner} file within a compressed file: give CNF files"):
        unpacked(PACKS[outer](PACKS[inner](FORMULA)), step=3)


def archive(kind: str) -> bytes:
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as zipped:
            zipped.writestr("../../a.cnf", FORMULA)
    else:
        with tarfile.open(fileobj=made, mode="w") as tarred:
            header = tarfile.TarInfo("../../a.cnf")
            header.size = len(FORMULA)
            tarred.addfile(header, io.BytesIO(FORMULA))
    return made.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("pack", ["plain", *PACKS])
def test_an_archive_is_refused_and_never_opened(kind: str, pack: str) -> None:
    data = archive(kind)
    with pytest.raises(FormulaError, match=rf"^f: a {kind} "):
        unpacked(data if pack == "plain" else PACKS[pack](data), step=100)


def test_streams_in_a_row_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_STREAMS", 50)
    assert unpacked(gzip.compress(b"") * 49 + gzip.compress(FORMULA)) == FORMULA
    with pytest.raises(TooLarge, match="more than 50 compressed streams in a row"):
        unpacked(gzip.compress(b"") * 60)
