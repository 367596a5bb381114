"""How large an uploaded instance may be."""

from __future__ import annotations

from pydantic import Field

from slotforge.core.types import Record
from slotforge.service.instances.unpack import MIB


class Limits(Record):
    """What uploads may be at most.

    files: of one request.
    plain_bytes: of the content of a file, decompressed.
    request_bytes: of the content of all files of one request, decompressed.
    ratio: of decompressed to compressed bytes, once `unpack.GRACE` bytes have come out.
    memory: of the decompressor, in bytes; a file of `xz -9` needs 65 MiB.
    variables, clauses, literals: of a formula; what its header states counts as well.
    """

    files: int = Field(default=1000, ge=1)
    plain_bytes: int = Field(default=1024 * MIB, ge=1)
    request_bytes: int = Field(default=4096 * MIB, ge=1)
    ratio: int = Field(default=300, ge=1)
    memory: int = Field(default=128 * MIB, ge=MIB)
    variables: int = Field(default=20_000_000, ge=1)
    clauses: int = Field(default=100_000_000, ge=1)
    literals: int = Field(default=400_000_000, ge=1)
