"""What was exported, for download."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.responses import FileResponse, Response
from fastapi.routing import APIRoute

from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.gate.etags import matches
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.artefacts import shared

router = Router(route_class=APIRoute, prefix="/v1/artefacts", tags=["artefacts"])
Id = Annotated[str, Path(max_length=64, description="The id of an artefact.")]
BYTES = "application/octet-stream"
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file; a folder is packed as .tar.gz.", "content": {BYTES: {}}}
}


FOUND = documented(404) | FILE


@router.get("/{artefact}", dependencies=[Depends(reader)], response_class=FileResponse, responses=FOUND)
def download(artefact: Id, request: Request, context: Annotated[Context, Depends(context_of)]) -> Response:
    """Download an artefact."""
    record, path = shared.find(context.store, artefact)
    tag = {"ETag": f'"{record.sha256}"'}
    if matches(request.headers.get("if-none-match"), tag["ETag"]):
        return Response(status_code=304, headers=tag)
    return FileResponse(path, media_type=BYTES, filename=record.file, headers=tag)
