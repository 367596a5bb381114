"""The search for prompts: sample the shipped one, let the model rewrite it, then go on from what scored.

What it does next follows from the seed and what is recorded, so that the same command goes on where it was interrupted,
and goes further with a larger budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from slotforge.core.errors import BudgetExhausted, UsageError
from slotforge.core.prompting import AGAIN, SHIPPED, PromptSearch, Sampled
from slotforge.core.seams import PromptStore
from slotforge.prompts.cluster import figures
from slotforge.prompts.variants import shipped
from slotforge.search import embeddings
from slotforge.search.observer import Observer
from slotforge.search.prompt_search import surrogate
from slotforge.search.prompt_search.checked import TOKENS
from slotforge.search.prompt_search.known import front_of
from slotforge.search.prompt_search.sampling import Sampler
from slotforge.search.prompt_search.writing import STAGE, Draft, pool, read, trajectory

STARTS = 3  # variants that the model writes before anything is known of how they do
TURN = 3  # then it writes one in so many, for new words; the surrogate chooses the others
ROOM_FOR_AGAIN = 6  # so many variants must fit into the budget, or none is sampled again


@dataclass(kw_only=True)
class PromptRun:
    """One stretch of a search for prompts.

    completions: at most, over all stretches.
    known: variants that were sampled before, by number.
    stopped: why it ended.
    """

    search: PromptSearch
    sampler: Sampler
    store: PromptStore
    observer: Observer
    completions: int
    known: dict[int, Sampled]
    sampled: list[Sampled] = field(default_factory=list)
    stopped: str = ""

    async def run(self) -> None:
        """Go on until the completions or the budget of the model are spent; what is sampled is kept."""
        self.observer.begin("sampling prompts", self.completions)
        again = 2 * self.search.samples if self.completions >= ROOM_FOR_AGAIN * self.search.samples else 0
        last = max((number for number, _ in self.sampler.recorded if number < AGAIN), default=-1)
        number = 0
        try:
            while number <= last or self._room(number, self.completions - again):
                draft = await self._next(number)
                if draft is not None:
                    self.sampled.append(await self._sample(number, draft))
                number += 1
            if again:
                await self._again()
            self.stopped = f"{self.sampler.used} completions are made"
        except BudgetExhausted as error:
            self.stopped = str(error)

    def _room(self, number: int, completions: int) -> bool:
        """Whether a variant can be written and sampled within so many completions."""
        return self.sampler.used + self._writes(number) + self.search.samples <= completions

    def _writes(self, number: int) -> bool:
        """Whether the model writes the variant of this number."""
        return 1 <= number <= STARTS or (number > STARTS and (number - STARTS) % TURN == 0)

    async def _next(self, number: int) -> Draft | None:
        """Make the variant of this number; None where it is one that was sampled, or no variant."""
        if number == 0:
            return Draft(variant=shipped(self.search.operator), origin=SHIPPED)
        seen = {one.variant.id for one in self.sampled}
        if self._writes(number):
            draft = await self._written(number)
        else:
            found = pool(self.sampled, seen)
            draft = found[self._choice(found)] if found else None
        return draft if draft is not None and draft.variant.id not in seen else None

    async def _written(self, number: int) -> Draft | None:
        parent = self._best.variant
        answer = await self.sampler.write(
            number,
            STAGE,
            texts=dict(parent.sections),
            trajectory=trajectory(self.sampled),
            turn=str(sum(map(self._writes, range(number)))),
        )
        self.observer.step()
        try:
            return read(answer, parent)
        except UsageError as error:
            self.observer.note(f"variant {number} was not written: {error}")
            return None

    def _choice(self, drafts: Sequence[Draft]) -> int:
        """Choose by the surrogate; variants at the same place in it are drawn from by the order of the pool."""
        embedding = None if self.search.features == TOKENS else embeddings.model()
        variants = [one.variant for one in self.sampled] + [draft.variant for draft in drafts]
        rows = surrogate.features(variants, embedding)
        scores = np.array([one.figures.score for one in self.sampled])
        return surrogate.choose(rows[: len(scores)], scores, rows[len(scores) :])

    @property
    def _best(self) -> Sampled:
        return front_of(self.sampled)[0]

    async def _sample(self, number: int, draft: Draft, *, first: int = 1) -> Sampled:
        """Sample a variant, or take it from the record."""
        if known := self.known.get(number):
            return known
        samples = await self.sampler.sample(number, draft.variant, first=first)
        made = Sampled(
            number=number,
            variant=draft.variant,
            origin=draft.origin,
            parents=draft.parents,
            samples=samples,
            figures=figures(samples),
        )
        self.store.record(self.search.id, made)
        self.observer.note(f"variant {made.variant.id} ({made.origin}): score {made.figures.score:.3f}")
        return made

    async def _again(self) -> None:
        """Sample the shipped variant and the best anew, for part of having been the best of many is luck."""
        both = {one.number: one for one in (self.sampled[0], self._best)}
        for number, one in both.items() if len(both) == 2 else ():
            draft = Draft(variant=one.variant, origin=one.origin, parents=one.parents)
            await self._sample(AGAIN + number, draft, first=1 + self.search.samples)
