"""Files in the body of a request: many as multipart/form-data, or one as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from slotforge.core.errors import FormulaError
from slotforge.lineage.allowance import NoRoom
from slotforge.lineage.blobs import BlobRecord
from slotforge.service.api.problems import Refusal
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.reader import Reader
from slotforge.service.instances.unpack import PIECE, TooLarge
from slotforge.service.instances.upload import Upload
from slotforge.service.instances.uploaded import LeftOut, Uploaded
from slotforge.service.instances.vault import Vault

MULTIPART = "multipart/form-data"
BINARY = {"type": "string", "format": "binary"}


def body(*, raw: bool) -> dict[str, Any]:
    """Describe such a body for the OpenAPI document. raw: whether it may be one file as it is."""
    files = {"type": "object", "properties": {"files": {"type": "array", "items": BINARY}}, "required": ["files"]}
    content: dict[str, Any] = {MULTIPART: {"schema": files}}
    if raw:
        content["application/octet-stream"] = {"schema": BINARY}
    return {"requestBody": {"required": True, "content": content}}


async def receive(request: Request, vault: Vault, *, owner: str, name: str = "") -> Uploaded:
    """Take in the files of a request; those that cannot be used are left out, but not all.

    Args:
        name: of the file, where the body is one as it is.

    Raises:
        Refusal: 413: a file is more than its owner may keep, or all are together; those before have come whole, and
            stay. So is a body that is one file, where that is too large. 422: no file can be used.
    """
    multipart = request.headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART
    found = await (_files(request, vault, owner) if multipart else _raw(request, vault, owner, name or "unnamed"))
    if not found.instances:
        raise Refusal(422, "the request holds no file: send CNF files as parts of a multipart/form-data body")
    return found


async def _raw(request: Request, vault: Vault, owner: str, name: str) -> Uploaded:
    with await run_in_threadpool(vault.receive, name, owner=owner) as upload:
        try:
            async for piece in request.stream():
                await run_in_threadpool(upload.write, piece)
                _expect_room(upload, 0, vault.limits)
            return Uploaded(instances=(await run_in_threadpool(upload.finish),), warnings=upload.warnings)
        except FormulaError as error:
            raise _refusal(error) from None


async def _files(request: Request, vault: Vault, owner: str) -> Uploaded:
    async with request.form(max_files=vault.limits.files) as form:
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile) and part.filename]
        with vault.reader() as reader:
            return await _kept(files, vault, reader, owner)


async def _kept(files: Sequence[UploadFile], vault: Vault, reader: Reader, owner: str) -> Uploaded:
    kept: dict[str, BlobRecord] = {}
    left_out: list[LeftOut] = []
    warnings: list[str] = []
    first: FormulaError | None = None
    before = 0
    for file in files:
        with await run_in_threadpool(vault.receive, file.filename or "", owner=owner, reader=reader) as upload:
            try:
                record = await run_in_threadpool(_take, upload, file, before, vault.limits)
                kept[record.id] = record
                warnings += upload.warnings
            except NoRoom as error:
                raise Refusal(413, f"{error}; what came before it is kept") from None
            except FormulaError as error:
                first = first or error
                left_out.append(LeftOut(name=upload.name, why=str(error)))
            before += upload.size
    if first is not None and not kept:
        raise Refusal(422, str(first))
    return Uploaded(instances=tuple(kept.values()), left_out=tuple(left_out), warnings=tuple(warnings))


def _take(upload: Upload, file: UploadFile, before: int, limits: Limits) -> BlobRecord:
    while piece := file.file.read(PIECE):
        upload.write(piece)
        _expect_room(upload, before, limits)
    return upload.finish()


def _expect_room(upload: Upload, before: int, limits: Limits) -> None:
    """Refuse a request whose files hold too much together; those before have come whole, and stay."""
    if before + upload.size > limits.request_bytes:
        most = f"more than {limits.request_bytes:,} bytes, the most of one request"
        raise Refusal(413, f"{upload.name}: the files up to this one hold {most}: send them in several")


def _refusal(error: FormulaError) -> Refusal:
    return Refusal(413 if isinstance(error, TooLarge | NoRoom) else 422, str(error))
