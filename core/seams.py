"""The seams of the system: what a domain, a strategy, a proposer, an executor and a store must offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.comparison import Held, Pair
    from slotforge.core.prompting import Calls, PromptRecord, PromptSearch, Sampled, Variant
    from slotforge.core.types import (
        Call,
        Candidate,
        Completion,
        Event,
        Instance,
        Measurement,
        Number,
        Prompt,
        Request,
        RunConfig,
        Slot,
        Spending,
        Suite,
        Terms,
        Trial,
    )

Result = TypeVar("Result")


class Domain(Protocol):
    """A kind of solver whose slots can be improved, and how that is judged."""

    name: str
    terms: Terms

    @property
    def memory_mb(self) -> int:
        """How much memory a measurement may take at most, in MiB; 0 where that is not known."""

    def slots(self) -> Mapping[str, Slot]:
        """Return the slots, by name."""

    def describe(self, families: Sequence[str]) -> str:
        """Tell a model what the solver is, in what language a policy is written, and what these families are."""

    def searched(self, specs: Sequence[str]) -> Sequence[str]:
        """Return the slots to search over where a user names none, given the specs of the instances."""

    def start(self, slots: Sequence[str]) -> Candidate:
        """Return where a search over these slots begins: the candidate without slots, unless that is no solver to vary.

        Where it is another, the search need not beat the reference to be worth a verdict.
        """

    def suite(self, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
        """Collect the instances that the specs name, and split them by content."""

    def check(self, candidate: Candidate) -> str | None:
        """Refuse what need not be compiled: one line that says why, or None."""

    def key(self, candidate: Candidate) -> str:
        """Return a text that is equal for candidates that must behave the same."""

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Write the requested slots anew without a model, by variation of the parents and the built-in variants."""

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Return the numbers that may be tuned from outside, as "slot.name", those of slots at their default as well.

        There are none where measuring tunes them, with equal trials for all.
        """

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:
        """Write some numbers into the sources, within their ranges; slots in which none changes stay as they are."""

    def behaviour(
        self, candidate: Candidate, measurements: Sequence[Measurement], reference: Sequence[Measurement]
    ) -> Mapping[str, float]:
        """Say what a candidate does, beside the reference on the same instances: named axes, each in [0, 1].

        The scale of an axis is the same for good. One of which nothing is known is left out.
        """

    def build(self, candidate: Candidate) -> Mapping[str, str]:
        """Compile into the cache, and return the warnings of the compiler by slot; the same of what is there already.

        Raises:
            BuildError: with the first diagnosis, and all that the compiler said.
        """

    def measure(
        self, candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
    ) -> Measurement:
        """Run once, sandboxed, within a cost limit, and check the answer.

        Args:
            limit: of the cost; None is the domain's own.
            prove: demand a proof of every answer that can have one.
            fused: use the deployment build instead of the plug-in build.
        """

    def export(self, candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
        """Write a self-contained artefact."""

    def environment(self) -> Mapping[str, str]:
        """Describe what results depend on: compiler, flags, engine hash, machine, processor, sandbox level."""


@runtime_checkable
class Compiles(Protocol):
    """A domain that compiles ahead, so that candidates can be told apart by their object code."""

    def code(self, candidate: Candidate) -> str:
        """Compile, and return a text that is equal for candidates that compile to the same, with the same numbers.

        It is as that of the candidate without slots where a slot does what its default does; raises BuildError.
        """


class Strategy(Protocol):
    """Which candidate to ask for next.

    What it keeps besides the archive must follow from what it was asked and told, in order, and from the generators
    handed in: a run that is resumed asks and tells the same again, so that resuming is free. It is told of what it
    asked for in the same order, without a gap: of nothing any more once the budget has cut a trial short.
    """

    @property
    def operators(self) -> Sequence[str]:
        """The prompt operators that it asks for: names of templates."""

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Choose operator, parents and slots for the next trial."""

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Take in a finished trial."""


class Archive(Protocol):
    """What a run has found so far, in the order of trial numbers."""

    @property
    def slots(self) -> Sequence[str]:
        """The slots that are searched over."""

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials, in the order of their numbers; the first is the baseline's."""

    @property
    def incumbent(self) -> Trial:
        """What proposals are made from and raced against."""

    @property
    def seeds(self) -> Sequence[Trial]:
        """Scored trials from before the first proposal that may be parents, best first; never empty."""

    @property
    def horizon(self) -> int | None:
        """How many trials the budget allows; None where it does not count them."""

    def promote(self, trial: Trial) -> None:
        """Make a trial the incumbent."""

    def measured(self, candidate: Candidate) -> Trial | None:
        """Return the trial in which a candidate was measured in full."""

    def behaviour(self, trial: Trial) -> Mapping[str, float]:
        """Say what the candidate of a trial does: see `Domain.behaviour`."""

    def failures(self, slots: Sequence[str], count: int) -> Sequence[Trial]:
        """Return the last failed trials that touched any of these slots, newest first."""


class Proposer(Protocol):
    """Answers prompts: a chat model, a recording, or variation without a model."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer one prompt; raises ModelError when it cannot, BudgetExhausted before a budget is passed."""


class Executor(Protocol):
    """Where measurements run."""

    def submit(self, function: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        """Run a module-level function of plain values on a worker."""

    def close(self) -> None:
        """Stop the workers and what they run."""


class Store(Protocol):
    """The database: everything that was tried, across runs."""

    def create_run(
        self, config: RunConfig, suite: Suite, environment: Mapping[str, str], *, run: str | None = None
    ) -> str:
        """Open a run and return its id: `run`, which no run has, or a new one."""

    def record_call(self, run: str, number: int, call: Call) -> None:
        """Keep an exchange with a proposer as soon as it is paid for."""

    def calls(self, run: str, number: int) -> Sequence[Call]:
        """Return the exchanges kept for a trial, in order."""

    def all_calls(self, run: str, *, unfinished: bool = False) -> Mapping[int, Sequence[Call]]:
        """Return the exchanges kept for a run, by number of trial, each in order.

        Args:
            unfinished: those alone whose trial is not finished.
        """

    def lock_run(self, run: str, *, take_over: bool = False) -> None:
        """Become the process that drives a run; raises StoreError while another living one does."""

    def open_session(self, run: str) -> int:
        """Begin a stretch of a run, from its start or a resumption to its end or an interruption; return its number.

        The first is kept as an event "started", each other one as "resumed".
        """

    def record_spending(self, run: str, session: int, spending: Spending) -> None:
        """Keep what a stretch of a run has spent so far, in the place of what was kept before; safe on return."""

    def flush(self) -> None:
        """Return when everything recorded so far is safe."""

    def record(self, trial: Trial) -> None:
        """Keep a finished trial with its measurements."""

    def trials(self, run: str, *, first: int | None = None, last: int | None = None) -> Mapping[int, Trial]:
        """Return the finished trials of a run by number, all of them or those from a first to a last number."""

    def newest(self, run: str) -> int:
        """Return the highest number of a finished trial of a run; 0 where no proposal is finished."""

    def record_interim(self, run: str, key: str, measurements: Sequence[Measurement]) -> None:
        """Keep what the choice or a verdict has measured so far under a key, until these hold it."""

    def interim(self, run: str) -> Mapping[str, Sequence[Measurement]]:
        """Return what is kept so, by key."""

    def finish(
        self,
        run: str,
        state: str,
        report: Mapping[str, Any],
        *,
        why: str = "",
        selection: Mapping[int, Sequence[Measurement]] | None = None,
        verdicts: Sequence[Held] = (),
    ) -> None:
        """Close a run with its report and all that this rests on, at once or not at all.

        Args:
            state: that it is left in, and an event of this name.
            why: it ended, for the event.
            selection: what finalists and baseline did on the select split, by number of trial.
            verdicts: that it ends with, and that are not kept yet.
        """

    def record_verdict(self, run: str | None, *verdicts: Held) -> None:
        """Keep verdicts with their pairs and environments, at once or not at all."""

    def verdicts(self, run: str) -> Sequence[Held]:
        """Return the verdicts on candidates of a run, in the order in which they were kept."""

    def not_better(self, candidate: str, against: str, pairs: Sequence[Pair]) -> int:
        """Count the verdicts that looked whether something is better than a reference, and did not find it so.

        Those on the candidate count where they share a family, those on others where they share an instance; those on
        controls do not count. To look at a candidate on the same instances with the same seeds once more, as a replayed
        run does, is no new look: then those before the first one count.

        Args:
            pairs: that the next verdict is to rest on.
        """

    def opened(self, run: str) -> int:
        """Count the other runs that have judged a winner on instances of the holdout split of this one."""

    def record_event(self, run: str, kind: str, facts: Mapping[str, Any]) -> None:
        """Keep that something happened to a run."""

    def events(self, run: str) -> Sequence[Event]:
        """Return what happened to a run, in order."""


class PromptStore(Protocol):
    """The part of the database that is about prompts; what is recorded is safe on return."""

    def open(self, search: PromptSearch) -> None:
        """Begin a search for prompts, or go on with the one of the same settings, and with what was known then."""

    def record_spending(self, search: str, spending: Spending) -> None:
        """Keep what calls without an answer may have cost, over all stretches."""

    def record_variant(self, variant: Variant) -> None:
        """Keep a variant that no search has sampled."""

    def record_call(self, search: str, number: int, position: int, call: Call) -> None:
        """Keep an exchange as soon as it is paid for; position 0 is that which wrote the variant."""

    def calls(self, search: str) -> Calls:
        """Return the exchanges of a search, by number of the variant and position."""

    def record(self, search: str, sampled: Sampled) -> None:
        """Keep a variant that was sampled in full."""

    def searches(self, domain: str | None = None, operator: str | None = None) -> Sequence[PromptRecord]:
        """Return the searches for prompts as they stand, the one that changed last first."""

    def variant(self, ref: str) -> Variant:
        """Return a variant by its id or the beginning of it."""

    def tried(self, search: str, slot: str) -> Sequence[Candidate]:
        """Return the candidates that replaced a slot in the last trials of the domain when a search began."""
