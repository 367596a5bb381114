"""Variation of the parents and the built-in variants, without any model: offline.

Its answers have the form of a model's, so that everything behind it is the same. It costs nothing and is the control of
every experiment with a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Completion
from slotforge.prompts.render import akin, answer, holds_code

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Domain, Proposer
    from slotforge.core.types import Prompt, Request
    from slotforge.search.proposers import Context

NAME = "offline"
_SAYS = "1. Vary the parents and the built-in policies."


@dataclass(frozen=True)
class Offline:
    """Answers by variation of code in the domain; at stages without code it has one sentence to say."""

    domain: Domain

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Write the requested slots anew."""
        text, basic = _SAYS, akin(request.operator)
        if holds_code(prompt.operator):
            asked = request if basic == request.operator else request.model_copy(update={"operator": basic})
            text = answer(
                self.domain.vary(asked, rng),
                idea=f"Variation of code ({request.operator}).",
                language=self.domain.terms.language,
            )
        return Completion(text=text, model=NAME)


def proposer(spec: str, context: Context) -> Proposer:
    """Make it; the spec is the name alone."""
    if spec != NAME:
        raise UsageError(f"model '{spec}': offline takes nothing after its name")
    return Offline(context.domain)
