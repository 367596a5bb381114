"""AutoSAT's agents: an advisor, a coder who follows two of its directions, and an evaluator of what came of it.

Source: AutoSAT (Sun et al. 2024, arXiv:2402.10705). Code that the evaluator finds unmodified is asked for once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slotforge.prompts.extract import ExtractError

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.search.proposers.dialogue import Dialogue

DIRECTIONS = 2
MAX_DIRECTION = 600  # characters
_ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*+])\s+(\S.*)$", re.MULTILINE)
_UNCHANGED = re.compile(r"\bno[\s_-]+modification\b", re.IGNORECASE)


async def conduct(dialogue: Dialogue) -> str:
    """Lead the three agents to an answer that holds code."""
    advice = await dialogue.ask("advise")
    answer = await dialogue.ask("propose", directions=directions(advice, dialogue.rng("directions")))
    try:
        proposal = dialogue.extract(answer)
    except ExtractError:
        return answer
    review = await dialogue.ask("review", proposal=proposal)
    if unchanged(review):
        answer = await dialogue.ask("again", review=review[:MAX_DIRECTION])
    return answer


def directions(advice: str, rng: Generator) -> str:
    """Draw two of the directions of an advisor; an answer without a list counts as one direction."""
    items = [item[:MAX_DIRECTION].strip() for item in _ITEM.findall(advice)]
    if not items:
        return advice.strip()[: DIRECTIONS * MAX_DIRECTION] or "(none)"
    chosen = rng.permutation(len(items))[:DIRECTIONS]
    return "\n".join(f"- {items[i]}" for i in chosen)


def unchanged(review: str) -> bool:
    """Whether an evaluator found no modification: by its first line that is not empty."""
    first = next((line for line in review.splitlines() if line.strip()), "")
    return bool(_UNCHANGED.search(first))
