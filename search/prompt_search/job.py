"""A search for prompts from its settings to what is known after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.core import registry
from slotforge.core.prompting import PromptRecord, PromptSearch
from slotforge.core.specs import free
from slotforge.core.types import Budget, Spending
from slotforge.lineage.prompts import PromptBook
from slotforge.search import daemons, proposers, worker
from slotforge.search.budget import Ledger
from slotforge.search.observer import Observer, Silent
from slotforge.search.prompt_search.checked import checked
from slotforge.search.prompt_search.run import PromptRun
from slotforge.search.prompt_search.sampling import Sampler
from slotforge.search.prompt_search.scene import scene

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore


@dataclass(frozen=True)
class Spent:
    """What earlier stretches have spent; time is not kept."""

    tokens: int
    usd: float
    seconds: float = 0.0


@dataclass(kw_only=True)
class PromptJob:
    """One stretch of a search for prompts.

    completions: at most, over all stretches.
    budget: tokens and dollars at most, over all stretches.
    executor, workers: where candidates are compiled.
    stopped: why it ended.
    """

    search: PromptSearch
    completions: int
    store: SqlStore
    budget: Budget = field(default_factory=Budget)
    observer: Observer = field(default_factory=Silent)
    executor: str = "process"
    workers: int = 2
    stopped: str = ""

    def run(self) -> PromptRecord:
        """Carry it out; whatever ends it, what was paid for is kept, and running it again goes on.

        Returns:
            All that is known of the search.

        Raises:
            UsageError: it cannot be carried out.
            ModelError: the model does not answer.
        """
        domain, book = worker.domain(self.search.domain), PromptBook(self.store)
        run = self.store.run(self.search.run).id if self.search.run else ""
        told = scene(self.store, domain.name, run)
        search = checked(PromptSearch(**{**self.search.model_dump(), "run": run}), domain, told)
        before = _of(book, search)
        spent = None
        if before and not free(search.model):
            spent = Spent(before.tokens + before.unanswered_tokens, before.usd)
        ledger = Ledger(self.budget, spent=spent)
        proposer = proposers.make(
            search.model,
            base_url=search.base_url,
            domain=domain,
            budget=ledger,
            store=self.store,
        )
        book.open(search)  # only now: an address that holds a password has been refused
        make_executor = registry.load("slotforge.search.executors", self.executor).executor
        executor = make_executor(self.workers, domain.memory_mb)
        try:
            sampler = Sampler(
                search=search,
                scene=told,
                domain=domain,
                store=book,
                proposer=proposer,
                executor=executor,
                observer=self.observer,
                recorded=book.calls(search.id),
            )
            job = PromptRun(
                search=search,
                sampler=sampler,
                store=book,
                observer=self.observer,
                completions=self.completions,
                known={one.number: one for one in before.sampled} if before else {},
            )
            daemons.run(_accounted(job, ledger, book, before))
        finally:
            executor.close()
        self.stopped = job.stopped
        found = _of(book, search)
        assert found is not None
        return found


async def _accounted(job: PromptRun, ledger: Ledger, book: PromptBook, before: PromptRecord | None) -> None:
    """Carry out a stretch, and keep what calls without an answer may have cost beside what is known of those before."""

    def keep(spending: Spending) -> None:
        lost_tokens = spending.tokens + (before.unanswered_tokens if before else 0)
        lost_usd = spending.usd + (before.unanswered_usd if before else 0.0)
        book.record_spending(job.search.id, Spending(tokens=lost_tokens, usd=lost_usd))

    async with ledger.kept(keep):
        await job.run()


def _of(book: PromptBook, search: PromptSearch) -> PromptRecord | None:
    found = book.searches(search.domain, search.operator)
    return next((record for record in found if record.search.id == search.id), None)
