"""ReEvo's short-term reflection: hints from the comparison of two parents, then the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotforge.search.proposers.dialogue import Dialogue

MAX_HINTS = 1_000  # characters


async def conduct(dialogue: Dialogue) -> str:
    """Return the answer of a coder who knows the hints of a reviewer."""
    hints = await dialogue.ask("reevo_reflect")
    return await dialogue.ask("propose", hints=hints.strip()[:MAX_HINTS])
