"""ReEvo's long-term reflection: lessons from new hints, where the strategy tells any, then the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotforge.search.proposers.dialogue import Dialogue

MAX_LESSONS = 2_000  # characters


async def conduct(dialogue: Dialogue) -> str:
    """Return the answer of a coder who knows the lessons, the new ones where there are any."""
    if not dialogue.request.told.get("hints"):
        return await dialogue.ask("propose")
    lessons = await dialogue.ask("reevo_lessons")
    return await dialogue.ask("propose", lessons=lessons.strip()[:MAX_LESSONS])
