"""Where artefacts stand: $SLOTFORGE_HOME/artefacts/ID, with what is known of each beside it."""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
from pathlib import Path

from slotforge.core import home
from slotforge.core.errors import UnknownId
from slotforge.core.types import Record

ABOUT = "artefact.json"
PACKED = ".tar.gz"
_ID = re.compile(r"[0-9a-f]{16}")


class ArtefactRecord(Record):
    """Something exported from a candidate.

    id: follows from the candidate, its history, the kind and the version of slotforge.
    file: what it is called when it is downloaded; a folder is packed.
    size: of that file in bytes; sha256: of its content.
    """

    id: str
    candidate: str
    kind: str
    file: str
    size: int
    sha256: str


def folder() -> Path:
    """Return the folder of all artefacts."""
    return home.home() / "artefacts"


def known(id_: str) -> tuple[ArtefactRecord, Path]:
    """Find an artefact that was built, and its file.

    Raises:
        UnknownId: there is none of this id on this server.
    """
    place = folder() / id_
    if not _ID.fullmatch(id_) or not (place / ABOUT).is_file():
        raise UnknownId(f"no artefact '{id_[:64]}' on this server: export the candidate again")
    record = ArtefactRecord.model_validate_json((place / ABOUT).read_text(encoding="utf-8"))
    return record, place / record.file


def describe(place: Path, written: Path, *, id_: str, candidate: str, kind: str) -> ArtefactRecord:
    """Pack what was written where that is a folder, and keep what is known of it beside it."""
    file = _pack(written) if written.is_dir() else written
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    size = file.stat().st_size
    record = ArtefactRecord(id=id_, candidate=candidate, kind=kind, file=file.name, size=size, sha256=digest)
    (place / ABOUT).write_text(record.model_dump_json(indent=2), encoding="utf-8")
    return record


def _pack(written: Path) -> Path:
    """Pack a folder so that the same content gives the same bytes."""
    packed = written.with_name(written.name + PACKED)

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = 0
        return member

    with gzip.GzipFile(packed, "wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        archive.add(written, arcname=written.name, filter=plain)
    return packed
