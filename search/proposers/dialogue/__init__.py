"""The talk with a proposer about one trial: the question, further questions of a pipeline, and repairs.

Every exchange is recorded as soon as it is paid for, and exchanges that an interrupted run has recorded are taken from
there, in their order, so that nothing is paid for twice. Each draws its random numbers from its own position.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from slotforge.core import registry
from slotforge.core.ids import generator
from slotforge.core.types import Call
from slotforge.prompts.context import SHOWN_FAILURES, Context, gather
from slotforge.prompts.extract import ExtractError, extract, has_edits, idea
from slotforge.prompts.render import after, holds_code, plan, render
from slotforge.search import novelty
from slotforge.search.proposers._ensemble import Ensemble
from slotforge.search.proposers.offline import NAME as OFFLINE

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.prompting import Variant
    from slotforge.core.seams import Domain, Proposer
    from slotforge.core.types import Candidate, Prompt, Request
    from slotforge.search.archive import Archive

MAX_REPAIRS = 2
REPAIR = "repair"  # the stage of these exchanges
LOOK_BACK = 200  # trials; of these the last few in the same slots are told
MAX_SAID = 2_000  # characters of an answer without code that are kept for strategies

NoCode = ExtractError


@dataclass(kw_only=True)
class Dialogue:
    """The talk about one trial.

    context: what prompts may tell, fixed when the trial was asked for.
    record: called with each exchange.
    recorded: exchanges of an interrupted run.
    calls: all exchanges so far.
    variant: texts in place of sections of the prompts; None is the prompts as they ship.
    """

    proposer: Proposer
    request: Request
    context: Context
    seed: int
    record: Callable[[Call], None]
    recorded: Sequence[Call] = ()
    calls: list[Call] = field(default_factory=list)
    variant: Variant | None = None
    _repairs: int = 0
    _read: Mapping[str, str] = field(default_factory=dict)
    _shown: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        *,
        proposer: Proposer,
        request: Request,
        domain: Domain,
        archive: Archive,
        number: int,
        seed: int,
        record: Callable[[Call], None],
        recorded: Sequence[Call] = (),
        answers: Literal["fences", "json"] = "fences",
        sizes: Mapping[str, str] | None = None,
        variants: Mapping[str, Variant] = MappingProxyType({}),
    ) -> Dialogue:
        """Begin the talk about trial `number`, with what the archive knows now; an ensemble draws its member.

        Where the strategy has written the slots, nobody is asked, and nothing need be told.
        """
        if request.written:
            context = Context(describe="", slots=(), parents=(), number=number)
            return cls(proposer=proposer, request=request, context=context, seed=seed, record=record)
        if isinstance(proposer, Ensemble):
            proposer = proposer.choose(number, generator(seed, number, "model"))
        context = gather(
            request,
            describe=domain.describe(sorted({m.family for m in archive.baseline.measurements})),
            terms=domain.terms,
            slots={name: archive.known(slot) for name, slot in domain.slots().items()},
            number=number,
            baseline=archive.baseline,
            parents=[archive.measured(parent) for parent in request.parents],
            tried=archive.trials[-LOOK_BACK:],
            failed=archive.failures(request.slots, SHOWN_FAILURES)[::-1],
            answers=answers,
            sizes=sizes,
            alike=novelty.judge(),
        )
        return cls(
            proposer=proposer,
            request=request,
            context=context,
            seed=seed,
            record=record,
            recorded=recorded,
            variant=variants.get(request.operator),
        )

    @property
    def may_repair(self) -> bool:
        """Whether an answer that failed may go back: to a model, and not for ever."""
        return bool(self.calls) and self.calls[-1].completion.model != OFFLINE and self._repairs < MAX_REPAIRS

    async def first(self) -> Mapping[str, str]:
        """Ask for the requested slots, unless the strategy has written them.

        Returns:
            Slot -> source.

        Raises:
            NoCode: the answer holds none.
            ModelError: there is no answer.
            BudgetExhausted: the question was not asked.
        """
        if self.request.written:
            return self.request.written
        led = registry.load("slotforge.search.proposers.dialogue.plans", plan(self.request.operator))
        return self.extract(await led.conduct(self))

    def repairing(self, candidate: Candidate | None, error: str) -> Callable[[], Awaitable[Mapping[str, str]]]:  # noqa: ARG002
        """Return what asks for the same without an error; it returns and raises as `first` does."""

        async def repair() -> Mapping[str, str]:
            self._repairs += 1
            return self.extract(await self.ask(REPAIR, error=error, **self._edited()))

        return repair

    def _edited(self) -> Mapping[str, str | Mapping[str, str]]:
        """Return what a repair must tell where the last answer was edits: what they made, and what new ones are of."""
        made, self._read = self._read, {}
        self._shown = made or self._shown
        if not any(has_edits(call.completion.text) for call in self._written()[-1:]):
            return {}
        return {"edited": made, "edits": "this code" if made else "the code that these edits are of"}

    def _written(self) -> list[Call]:
        """Return the exchanges whose answer was to hold code."""
        return [call for call in self.calls if holds_code(call.stage)]

    async def ask(self, stage: str, **facts: str | Mapping[str, str]) -> str:
        """Put one question, or take its answer from the record, and return the answer."""
        prompt = self.question(stage, **facts)
        position = len(self.calls)
        if position < len(self.recorded) and self.recorded[position].prompt.id == prompt.id:
            call = self.recorded[position]
        else:
            completion = await self.proposer.complete(prompt, self.request, self.rng("answer", position))
            call = Call(stage=stage, prompt=prompt, completion=completion)
            self.record(call)
        self.calls.append(call)
        return call.completion.text

    def question(self, stage: str, **facts: str | Mapping[str, str]) -> Prompt:
        """Write the next question; repairs and second tries go on from the last answer that was to hold code."""
        written = self._written()
        history = after(written[-1].prompt, written[-1].completion.text) if written and holds_code(stage) else ()
        return render(self.request, self.context, stage=stage, history=history, variant=self.variant, **facts)

    def extract(self, answer: str) -> Mapping[str, str]:
        """Read the requested slots from an answer; edits are of what it was shown last, or of the first parent.

        Of several slots it may leave some out, whose code stays as it was in the answer before, if there was one.
        """
        self._read = {}
        bases = [self._shown, *(parent.sources for parent in self.context.parents[:1])]
        found = extract(answer, self.request.slots, bases=bases, some=len(self.request.slots) > 1)
        together = {**self._shown, **found}
        self._read = {slot: together[slot] for slot in self.request.slots if slot in together}
        return self._read

    def rng(self, *purpose: object) -> Generator:
        """Make the generator of this trial for a purpose."""
        return generator(self.seed, self.context.number, *purpose)


def said(calls: Sequence[Call]) -> Mapping[str, str]:
    """Return what of a talk strategies may go on from: see `Trial.said`."""
    kept = {call.stage: call.completion.text[:MAX_SAID] for call in calls if not holds_code(call.stage)}
    written = [call.completion.text for call in calls if holds_code(call.stage)]
    return kept | ({"idea": idea(written[-1])} if written else {})
