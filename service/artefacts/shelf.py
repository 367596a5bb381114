"""Where artefacts stand: $SLOTFORGE_HOME/artefacts/ID, with what is known of each beside it."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slotforge.core import home
from slotforge.core.errors import UnknownId
from slotforge.core.types import Record

ABOUT = "artefact.json"
PACKED = ".tar.gz"
ID = re.compile(r"[0-9a-f]{16}")


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


def holds(id_: str) -> bool:
    """Whether an artefact stands here."""
    return bool(ID.fullmatch(id_)) and (folder() / id_ / ABOUT).is_file()


def known(id_: str) -> tuple[ArtefactRecord, Path]:
    """Find an artefact that stands here, and its file.

    Raises:
        UnknownId: there is none of this id.
    """
    if not holds(id_):
        raise UnknownId(f"no artefact '{id_[:64]}': export the candidate again")
    place = folder() / id_
    record = ArtefactRecord.model_validate_json((place / ABOUT).read_text(encoding="utf-8"))
    return record, place / record.file


@contextmanager
def draft() -> Iterator[Path]:
    """Make a folder that becomes an artefact by `put`, or leaves nothing."""
    folder().mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder(), prefix=".draft-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def describe(written: Path, *, id_: str, candidate: str, kind: str) -> ArtefactRecord:
    """Say what was written, which is packed where it is a folder."""
    file = _pack(written) if written.is_dir() else written
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    size = file.stat().st_size
    return ArtefactRecord(id=id_, candidate=candidate, kind=kind, file=file.name, size=size, sha256=digest)


def put(made: Path, record: ArtefactRecord) -> tuple[ArtefactRecord, Path]:
    """Give a draft its place, unless another request was faster, and return what stands there."""
    place = folder() / record.id
    (made / ABOUT).write_text(record.model_dump_json(indent=2), encoding="utf-8")
    made.chmod(0o755)
    try:
        made.rename(place)
    except OSError:
        if not holds(record.id):
            raise
    return known(record.id)


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
