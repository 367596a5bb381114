"""One question, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotforge.search.proposers.dialogue import Dialogue


async def conduct(dialogue: Dialogue) -> str:
    """Return the answer to the operator's question."""
    return await dialogue.ask("propose")
