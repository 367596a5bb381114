"""Whether a proposal is new, by the tokens of its code, before anything is paid for it; and whether ideas are alike.

Source: ShinkaEvolve (Lange et al. 2025, arXiv:2509.19349) rejects by the similarity of embeddings of code. Here a
proposal is held against what was measured and lost alone: close to what is good is where a search should look. Ideas
refuse nothing: they thin the list of attempts that a prompt tells of, compared by embeddings where the user names a
local model, and by token sets otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from slotforge.core.types import Candidate, Trial
from slotforge.prompts import tokens
from slotforge.prompts.tokens import Idea, alike_code
from slotforge.search import embeddings

LOOK_BACK = 200  # trials that lost; of those further back a proposal may be a copy
WIDEST = 1_000  # trials under way at once, at most: these have been told and may not be known of
ALIKE = 0.95  # cosine of the embeddings of two ideas that are nearly the same


@dataclass(kw_only=True)
class Novelty:
    """Refuses proposals that are too close to what has lost.

    threshold: code that shares so much with that of an earlier trial, in [0, 1], is refused; None refuses nothing.
    language: of the code.
    """

    threshold: float | None
    language: str
    _lost: deque[Trial] = field(default_factory=lambda: deque(maxlen=LOOK_BACK + WIDEST))

    def tell(self, trial: Trial) -> None:
        """Take in a finished trial; what never ran says nothing of its idea, for a slip in its code may be mended."""
        if self.threshold is not None and trial.instances > 0 and not trial.scored and trial.candidate is not None:
            self._lost.append(trial)

    def refusal(self, candidate: Candidate, slots: Sequence[str], last: int) -> str | None:
        """Say which earlier trial a candidate is too close to.

        Args:
            candidate: that was proposed.
            slots: that were written for it.
            last: number of the newest trial that may be known of.
        """
        if self.threshold is None:
            return None
        known = (trial for trial in reversed(self._lost) if trial.number <= last)
        for trial in islice(known, LOOK_BACK):
            if (close := self._likeness(candidate, trial, slots)) >= self.threshold:
                became = trial.state.value.replace("_", " ")
                return f"{close:.2f} of its code is that of trial {trial.number}, which came to nothing ({became})"
        return None

    def _likeness(self, candidate: Candidate, trial: Trial, slots: Sequence[str]) -> float:
        """Compare what was written, slot by slot; the slot that is least alike counts."""
        assert trial.candidate is not None
        if set(trial.slots) != set(slots):
            return 0.0
        sides = [[self._idea(one.slots.get(slot, "")) for slot in slots] for one in (candidate, trial.candidate)]
        return min(alike_code(*pair) for pair in zip(*sides, strict=True))

    def _idea(self, code: str) -> Idea:
        return Idea(text="", code=code, language=self.language)


def judge() -> Callable[[Idea, Idea], bool]:
    """Return what tells whether two proposals are nearly the same."""
    embed = embeddings.model()
    if embed is None:
        return tokens.alike

    def alike(one: Idea, other: Idea) -> bool:
        if tokens.alike(one, other):
            return True
        return bool(one.text and other.text) and embed.cosine(one.text, other.text) >= ALIKE

    return alike
