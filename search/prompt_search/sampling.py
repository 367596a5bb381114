"""Completions of a variant, and what came of each: whether it compiles, what behaves alike, and what is new."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slotforge.core.errors import BuildError, KillsWorkers, SlotforgeError
from slotforge.core.prompting import PromptSearch, Sample, Variant
from slotforge.core.seams import Compiles, Domain, Executor, PromptStore, Proposer
from slotforge.core.types import Call, Candidate, Request
from slotforge.prompts.context import Context, gather
from slotforge.prompts.render import needed_parents
from slotforge.search import worker
from slotforge.search.observer import Observer
from slotforge.search.prompt_search.scene import Scene
from slotforge.search.proposers.dialogue import Dialogue
from slotforge.search.tuner import structure

Place = tuple[int, int]


@dataclass(kw_only=True)
class Sampler:
    """Asks for completions, and judges them without any solver run.

    recorded: exchanges that were paid for before, by number of the variant and position.
    used: exchanges of the search so far, over all its stretches.
    """

    search: PromptSearch
    scene: Scene
    domain: Domain
    store: PromptStore
    proposer: Proposer
    executor: Executor
    observer: Observer
    recorded: Mapping[Place, Call]
    used: int = field(init=False)
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.used = len(self.recorded)

    async def sample(self, number: int, variant: Variant, *, first: int = 1) -> tuple[Sample, ...]:
        """Ask for all completions of a variant at once.

        All variants are asked the same questions: slots, parents and numbers of proposals do not depend on the variant.

        Args:
            number: of the variant in its search.
            variant: to sample.
            first: number of the first proposal.

        Raises:
            ModelError: the model does not answer; what it answered is kept.
            BudgetExhausted: likewise.
        """
        asked = [self._ask(number, place, variant, first + place) for place in range(self.search.samples)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        talks = [talk for talk in answers if isinstance(talk, Dialogue)]
        for slot in self.search.slots:
            await self._of(slot)
        return tuple(await asyncio.gather(*map(self._judge, talks)))

    async def write(self, number: int, stage: str, **facts: str | Mapping[str, str]) -> str:
        """Put the question that a variant is written by, and return the answer."""
        talk = self._talk(number, 0, None, number + 1)
        return await talk.ask(stage, **facts)

    async def _ask(self, number: int, place: int, variant: Variant, proposal: int) -> Dialogue:
        talk = self._talk(number, place + 1, variant, proposal)
        await talk.ask("propose")
        self.observer.step()
        return talk

    def _talk(self, number: int, position: int, variant: Variant | None, proposal: int) -> Dialogue:
        """Begin the talk of one exchange."""
        known = self.recorded.get((number, position))
        self.used += known is None
        slot = self.search.slots[max(0, position - 1) % len(self.search.slots)]
        request = Request(operator=self.search.operator, parents=self._parents(slot), slots=(slot,))
        return Dialogue(
            proposer=self.proposer,
            request=request,
            context=self._context(request, proposal),
            seed=self.search.seed,
            record=lambda call: self.store.record_call(self.search.id, number, position, call),
            recorded=(known,) if known else (),
            variant=variant,
        )

    def _parents(self, slot: str) -> tuple[Candidate, ...]:
        """Take what the scene begins from, and built-in policies where an operator needs more."""
        start = self._start(slot)
        known = self.domain.slots()[slot].variants.values()
        others = [made for text in known if (made := start.with_slots({slot: text})) != start]
        wanted = max(1, needed_parents(self.search.operator))
        return tuple([start, *others, *[start] * wanted][:wanted])

    def _start(self, slot: str) -> Candidate:
        best = self.scene.parent
        return best.candidate if best and best.candidate else self.domain.start((slot,))

    def _context(self, request: Request, number: int) -> Context:
        """Tell what is known where the prompt is asked."""
        return gather(
            request,
            describe=self.domain.describe(self.scene.families),
            terms=self.domain.terms,
            slots=self.domain.slots(),
            number=number,
            baseline=self.scene.baseline,
            parents=(self.scene.parent,),
        )

    async def _judge(self, talk: Dialogue) -> Sample:
        """Say what came of a completion."""
        completion, slot = talk.calls[-1].completion, talk.request.slots[0]
        tokens = completion.input_tokens + completion.output_tokens
        try:
            candidate = talk.request.parents[0].with_slots(talk.extract(completion.text))
            if refusal := self.domain.check(candidate):
                raise BuildError(refusal)
            plain = structure(self.domain, candidate, (slot,))
            (code,) = await self.executor.submit(worker.codes, (plain,))
            if code.failure:
                raise BuildError(code.failure)
        except (BuildError, KillsWorkers) as error:
            return Sample(slot=slot, reason=str(error).partition("\n")[0], tokens=tokens, usd=completion.usd)
        names = {_digest("key", self.domain.key(plain))}
        if isinstance(self.domain, Compiles):
            names.add(_digest("code", code.text))
        cluster = min(names)  # "code" comes before "key"
        novel = not names & await self._of(slot)
        return Sample(slot=slot, cluster=cluster, novel=novel, tokens=tokens, usd=completion.usd)

    async def _of(self, slot: str) -> frozenset[str]:
        """Name what is known for a slot: parents, built-in policies, and what runs had tried when the search began."""
        if slot not in self._known:
            start, variants = self._start(slot), self.domain.slots()[slot].variants.values()
            shipped = [start, *self._parents(slot), *(start.with_slots({slot: text}) for text in variants)]
            own = [structure(self.domain, one, (slot,)) for one in shipped]
            sound = [one for one in self.store.tried(self.search.id, slot) if self._sound(one)]
            tried = [structure(self.domain, one, (slot,)) for one in sound]
            keys = {_digest("key", self.domain.key(candidate)) for candidate in (*own, *tried)}
            codes: Sequence[worker.Code] = ()
            if isinstance(self.domain, Compiles):
                codes = await self.executor.submit(worker.codes, tuple(own))
            self._known[slot] = frozenset(keys | {_digest("code", c.text) for c in codes if not c.failure})
        return self._known[slot]

    def _sound(self, candidate: Candidate) -> bool:
        try:
            return self.domain.check(candidate) is None
        except SlotforgeError:
            return False


def _digest(kind: str, text: str) -> str:
    return f"{kind} {hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
