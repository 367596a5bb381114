"""A search on a synthetic landscape with a scripted proposer: loop, strategy and races, without prompts and disk."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from slotforge.bench._cells import Cell, Job, Step
from slotforge.core.types import Budget, Call, Candidate, Completion, Prompt, Request, Trial
from slotforge.prompts.context import Context
from slotforge.prompts.render import holds_code
from slotforge.search import stages, strategies
from slotforge.search.archive import Archive, better
from slotforge.search.budget import Ledger
from slotforge.search.executors.inline import executor
from slotforge.search.loop import Search
from slotforge.search.observer import Silent
from slotforge.search.proposers.dialogue import Dialogue
from slotforge.search.race import Race
from slotforge.testing.memory import MemoryStore
from slotforge.testing.terrain import KINDS, SLOTS, Terrain

if TYPE_CHECKING:
    from numpy.random import Generator

PROBLEMS = tuple(KINDS)
INSTANCES = 8  # of the search split: two looks of a race
WINDOW = 4
REMARK = "1. Change what costs most."

domain = Terrain()


@dataclass(frozen=True)
class Scripted:
    """Writes what the domain varies, as JSON; where no code is asked for it makes a remark."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer."""
        text = json.dumps(domain.vary(request, rng)) if holds_code(prompt.operator) else REMARK
        return Completion(text=text, model="scripted")


@dataclass(kw_only=True)
class Brief(Dialogue):
    """A talk by the same plans, in which questions and answers have no words."""

    def question(self, stage: str, **facts: object) -> Prompt:  # noqa: ARG002
        """Ask nothing but which stage it is."""
        return _prompt(self.request.operator if stage == "propose" else stage)

    def extract(self, answer: str) -> Mapping[str, str]:
        """Read JSON."""
        written: Mapping[str, str] = json.loads(answer)
        return written


@cache
def _prompt(operator: str) -> Prompt:
    return Prompt(operator=operator, messages=())


@dataclass(repr=False)  # asyncio writes what a task returns, only to throw it away
class _Watch(Silent):
    """Follows the best so far, by what it is truly worth."""

    store: MemoryStore
    run: str
    family: str
    steps: list[Step] = field(default_factory=list)
    calls: int = 0
    _leader: Trial | None = None

    def told(self, trial: Trial, archive: Archive) -> None:
        """Take a step where there is a new leader, and it seems to beat the baseline."""
        self.calls += len(self.store.calls(self.run, trial.number))
        leader = archive.leader
        if leader is not None and leader is not self._leader and better(leader, archive.baseline):
            self._leader = leader
            assert leader.candidate is not None
            value = domain.true_ratio(leader.candidate, self.family)
            self.steps.append(Step(trials=trial.number, calls=self.calls, cpu_s=0.0, value=value))


def run(job: Job) -> Cell:
    """Search once; the landscape has the seed of the search, so that strategies meet on the same ones."""
    began = time.process_time()
    watch = asyncio.run(_search(job))
    return Cell(
        job=job,
        value=watch.steps[-1].value if watch.steps else 1.0,
        steps=tuple(watch.steps),
        trials=job.budget,
        calls=watch.calls,
        own_cpu_s=time.process_time() - began,
        started_cpu_s=0.0,
    )


async def _search(job: Job) -> _Watch:
    family, store, workers = f"terrain:kind={job.problem}:seed={job.seed}", MemoryStore(), executor(1)
    instances = domain.suite((family,), seed=job.seed, options={"holdout_only": True, "per_family": INSTANCES}).holdout
    silent = Silent()
    bench = stages.Bench(domain=domain, executor=workers, observer=silent, seed=job.seed, limit=None)
    baseline = await stages.baseline_trial(bench, "run", instances)
    archive = Archive(
        slots=SLOTS,
        baseline=baseline,
        horizon=job.budget,
        behaviour=lambda trial: domain.behaviour(trial.candidate or Candidate(domain=domain.name), (), ()),
    )
    watch = _Watch(store, "run", family)
    search = Search(
        run_id="run",
        seed=job.seed,
        domain=domain,
        archive=archive,
        strategy=strategies.make(job.strategy),
        open_dialogue=_opener(job.seed),
        race=Race(
            executor=workers,
            instances=instances,
            seed=job.seed,
            reference={m.instance: m for m in baseline.measurements},
            terms=domain.terms,
        ),
        store=store,
        budget=Ledger(Budget(evals=job.budget)),
        observer=watch,
        window=WINDOW,
    )
    await search.run()
    return watch


def _opener(seed: int) -> Callable[[int, Request, Archive, Callable[[Call], None]], Dialogue]:
    def open_dialogue(number: int, request: Request, _: Archive, record: Callable[[Call], None]) -> Dialogue:
        context = Context(describe="", slots=(), parents=(), number=number)
        return Brief(proposer=Scripted(), request=request, context=context, seed=seed, record=record)

    return open_dialogue
