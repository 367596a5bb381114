"""What became of files that were sent."""

from __future__ import annotations

from slotforge.core.types import Record
from slotforge.lineage.blobs import BlobRecord
from slotforge.lineage.suites import SuiteRecord


class LeftOut(Record):
    """A file that is not kept. name: as it was sent; why: one line."""

    name: str
    why: str


class Uploaded(Record):
    """What became of the files of a request.

    warnings: one line for each departure from the format that was tolerated, such as a header with other counts.
    """

    instances: tuple[BlobRecord, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


class SuiteUploaded(Record):
    """A suite that was uploaded, the files that were left out, and one line for each departure that was tolerated."""

    suite: SuiteRecord
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
