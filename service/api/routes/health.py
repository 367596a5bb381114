"""Whether the service lives."""

from __future__ import annotations

from fastapi import APIRouter

from slotforge.core.types import Record

router = APIRouter(tags=["operations"])


class Health(Record):
    """That the process answers."""

    status: str = "ok"


@router.get("/health")
def health() -> Health:
    """Say that the process answers."""
    return Health()
