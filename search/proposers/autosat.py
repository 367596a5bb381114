"""AutoSAT's advisor, coder and evaluator as one pipeline over another model: autosat:MODEL.

Source: AutoSAT (Sun et al. 2024, arXiv:2402.10705). An advisor names directions; two of them, drawn at random, go to a
coder; an evaluator compares the result with its parent, and one that does not differ is asked for once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.prompts.extract import ExtractError

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Completion, Prompt, Request
    from slotforge.search.proposers import Context
    from slotforge.search.proposers.dialogue import Dialogue

DIRECTIONS = 2
MAX_DIRECTION = 600  # characters
_ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*+])\s+(\S.*)$", re.MULTILINE)
_UNCHANGED = re.compile(r"\bno[\s_-]+modification\b", re.IGNORECASE)


@dataclass(frozen=True)
class Autosat:
    """Three agents that are the same model in three roles."""

    model: Proposer

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer one prompt by the model."""
        return await self.model.complete(prompt, request, rng)

    async def conduct(self, dialogue: Dialogue) -> str:
        """Lead the three agents to an answer that holds code."""
        advice = await dialogue.ask("advise")
        answer = await dialogue.ask("code", directions=directions(advice, dialogue.rng("directions")))
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


def proposer(spec: str, context: Context) -> Proposer:
    """Make it over the model that stands behind the colon."""
    from slotforge.search.proposers import one

    inner = spec.partition(":")[2]
    if not inner:
        raise UsageError(f"model '{spec}': say which model, e.g. autosat:openai:NAME")
    return Autosat(one(inner, context))
