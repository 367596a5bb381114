"""Style, scripts and pictures: the files of `static/`, known from the start, so that no path leads anywhere else."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from slotforge.service.api.problems import Refusal

router = APIRouter()
FOLDER = Path(__file__).parent.parent / "static"
KINDS = {".js", ".css", ".svg", ".woff2"}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@cache
def files() -> dict[str, Path]:
    """List the files that pages use, by their names below the folder."""
    found = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in KINDS)
    return {path.relative_to(FOLDER).as_posix(): path for path in found}


@cache
def asset(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    return f"/static/{name}?v={hashlib.sha256(files()[name].read_bytes()).hexdigest()[:12]}"


@router.get("/static/{name:path}")
def static(name: str, v: str = "") -> Response:
    """Send a file; for long where the address says which content is meant."""
    path = files().get(name)
    if path is None:
        raise Refusal(404, f"no file called '{name}'")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileResponse(path, media_type=kind, headers=KEPT if v else {"Cache-Control": "no-cache"})


@router.get("/favicon.ico")
def favicon() -> Response:
    """Send the picture that browsers ask for unasked."""
    return static("mark.svg")
