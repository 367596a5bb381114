"""What a shared object holds, read from its bytes, so that nothing of it has to run to know."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slotforge.core.errors import BuildError

_SYMBOL_TABLE = 11  # SHT_DYNSYM
_STARTERS = frozenset({14, 15, 16})  # SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY
_STARTER_NAMES = frozenset({".init", ".fini", ".ctors", ".dtors"})
_STARTER_TAGS = frozenset({12, 13, 25, 26, 32})  # DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_PREINIT_ARRAY
_WEAK = 2


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a shared object.

    kind: its type (SHT_*); link: the section that holds its names; data: its bytes, empty when it has none in the file.
    """

    name: str
    kind: int
    link: int
    data: bytes


def sections(path: Path) -> tuple[Section, ...]:
    """Read the sections of a 64-bit little-endian ELF file; raises BuildError for anything else."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise BuildError(f"{path.name}: not 64-bit little-endian ELF: slotforge builds on x86_64 and aarch64 Linux")
    try:
        (start,) = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        raw = [struct.unpack_from("<IIQQQQI", data, start + i * size) for i in range(count)]
        strings = data[raw[names][4] : raw[names][4] + raw[names][5]]
    except (struct.error, IndexError):
        raise BuildError(f"{path.name}: the ELF file is cut off") from None
    no_bits = 8
    return tuple(
        Section(
            name=_name(strings, name),
            kind=kind,
            link=link,
            data=b"" if kind == no_bits else data[offset : offset + length],
        )
        for name, kind, _, _, offset, length, link in raw
    )


def undefined(found: tuple[Section, ...], *, weak: bool = False) -> Iterator[str]:
    """The symbols that the dynamic linker has to find elsewhere, in their order.

    weak: also those that may stay missing.
    """
    for section in found:
        if section.kind != _SYMBOL_TABLE:
            continue
        names = found[section.link].data
        for name, info, _, index, _, _ in struct.iter_unpack("<IBBHQQ", section.data):
            if index == 0 and name and (weak or info >> 4 != _WEAK):
                yield _name(names, name)


def starts_by_itself(found: tuple[Section, ...]) -> bool:
    """Whether something in it runs when it is loaded or unloaded."""
    for section in found:
        if section.data and (section.kind in _STARTERS or section.name in _STARTER_NAMES):
            return True
        if section.name == ".dynamic" and _STARTER_TAGS & {tag for tag, _ in struct.iter_unpack("<qQ", section.data)}:
            return True
    return False


def object_hash(path: Path) -> str:
    """Name the behaviour of a shared object: a hash of its code, its constants, its relocations and what it calls.

    Equal for sources that compile to the same code, whatever their structs, functions and locals are called; names of
    SLOT_PARAMs count, for they are texts in it.
    """
    found = sections(path)
    digest = hashlib.sha256("\n".join(undefined(found, weak=True)).encode())
    for section in found:
        if section.name.startswith((".text", ".rodata", ".data", ".rela")):
            digest.update(f"{section.name} {len(section.data)}\n".encode() + section.data)
    return digest.hexdigest()[:16]


def _name(strings: bytes, offset: int) -> str:
    return strings[offset : strings.find(b"\0", offset)].decode(errors="replace")
