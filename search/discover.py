"""The main job: from instances to a heuristic with a verdict on instances that the search never saw."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.core import registry
from slotforge.core.errors import SlotforgeError, StoreError, UsageError
from slotforge.core.ids import generator
from slotforge.core.seams import Domain, Executor, Proposer, Strategy
from slotforge.core.specs import free
from slotforge.core.types import Call, Candidate, Instance, Request, RunConfig, Suite, Trial
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.queries import answers, usage
from slotforge.lineage.reads.runs import wished
from slotforge.prompts.render import prepare
from slotforge.search import builtins, collector, daemons, library, named_suites, proposers, stages, strategies, worker
from slotforge.search.archive import Archive
from slotforge.search.budget import Ledger
from slotforge.search.builtins import Builtins
from slotforge.search.circumstances import circumstances, go_on
from slotforge.search.judge import Judge
from slotforge.search.loop import Search
from slotforge.search.novelty import Novelty
from slotforge.search.observer import Observer, Silent, warn
from slotforge.search.prompt_search.known import settle, used
from slotforge.search.proposers.dialogue import REPAIR, Dialogue
from slotforge.search.race import Race
from slotforge.search.report import Baseline, Best, Cost, Offered, Report, Staleness
from slotforge.search.tuned import Tuned
from slotforge.search.verdict import too_few

if TYPE_CHECKING:
    from slotforge.lineage.records import Usage
    from slotforge.lineage.store import SqlStore

STOPPED = {"pause": "paused, as was asked", "cancel": "cancelled, as was asked"}


@dataclass(kw_only=True)
class Discovery:
    """One run of the main job.

    run_id: of a run to go on with; a new run is opened without it.
    open_as: the id to open a new run under; None is any.
    take_over: go on even if another machine seems to drive the run.
    """

    config: RunConfig
    store: SqlStore
    observer: Observer = field(default_factory=Silent)
    run_id: str = ""
    open_as: str | None = None
    take_over: bool = False
    _why: str = ""
    _judge: Judge | None = None
    _offered: list[Trial] = field(default_factory=list)

    def run(self) -> Report:
        """Search, choose, and hold against the baseline; Ctrl-C ends the search cleanly, and it can be resumed."""
        self.domain: Domain = worker.domain(self.config.domain)
        self.slots = self._slots()
        self.strategy: Strategy = self._strategy()
        prepare(self.strategy.operators)
        self.config = settle(self.config, self.strategy.operators, PromptBook(self.store))
        proposers.refuse_endless(self.config.model, self.config.budget)
        make_executor = registry.load("slotforge.search.executors", self.config.executor).executor
        ledger = Ledger(self.config.budget, spent=self._spent())
        self.proposer = proposers.make(
            self.config.model,
            base_url=self.config.base_url,
            domain=self.domain,
            budget=ledger,
            store=self.store,
            options=self.config.options,
        )
        suite = self._open()
        self.executor: Executor = make_executor(self.config.workers, self.domain.memory_mb)
        try:
            with self._history(), collector.only_what_comes(self.config.budget.evals):
                report = daemons.run(self._accounted(suite, ledger))
        finally:
            self.executor.close()
        self.store.finish(
            self.run_id,
            report.state,
            report.model_dump(mode="json"),
            why=self._why,
            selection=self._judge.selection if self._judge else None,
            verdicts=self._judge.held if self._judge else (),
        )
        return report

    @contextmanager
    def _history(self) -> Iterator[None]:
        """Keep why a stretch of the run ends without a report."""
        try:
            yield
        except KeyboardInterrupt:
            with suppress(StoreError):
                why = self._stopped(f"stopped by {signal.SIGINT.name}")
                self.store.record_event(self.run_id, "interrupted", {"why": why})
            raise
        except Exception as error:
            said = str(error).partition("\n")[0]
            why = said if isinstance(error, SlotforgeError) else f"{type(error).__name__}: {said}"
            with suppress(StoreError):  # it may be the store that failed
                self.store.fail(self.run_id, why)
            raise

    def _stopped(self, otherwise: str) -> str:
        """Say why the run is interrupted: what is wished for its job, which a signal only carries out, or else."""
        return STOPPED.get(wished(self.store, self.run_id), otherwise)

    def _strategy(self) -> Strategy:
        """Make the strategy, with a share of its trials for the numbers that what it finds declares."""
        made, share = strategies.make(self.config.strategy), float(self.config.options.get("tune_share", 0))
        if share <= 0 or not self.domain.terms.tunes:
            return made
        return Tuned(inner=made, domain=self.domain, slots=self.slots, share=share)

    def _slots(self) -> tuple[str, ...]:
        known = self.domain.slots()
        if unknown := [slot for slot in self.config.slots if slot not in known]:
            raise UsageError(f"no slot called '{unknown[0]}': choose from {', '.join(known)}")
        sensible = tuple(self.domain.searched(self.config.instances))
        if idle := [slot for slot in self.config.slots if slot not in sensible]:
            where = ", ".join(self.config.instances)
            raise UsageError(f"slot {idle[0]} has no part in {where}: choose from {', '.join(sensible)}")
        return self.config.slots or sensible

    @property
    def _apart(self) -> bool:
        """Whether the search begins elsewhere than at the baseline, so that it need not beat it."""
        return bool(self.domain.start(self.slots).slots)

    def _open(self) -> Suite:
        """Open a new run, or find the suite of the one to go on with."""
        if self.run_id:
            return self._reopen()
        self.observer.begin("reading the instances", None)
        suite = self._collect()
        for warning in too_few(len(suite.holdout), len(suite.search + suite.select)):
            self.observer.note(warning)
        self.run_id = self.store.create_run(self.config, suite, circumstances(self.domain), run=self.open_as)
        self.observer.note(f"run {self.run_id}")
        warn(self.observer, suite.warnings, f"`slotforge show {self.run_id} --json`")
        return suite

    def _collect(self) -> Suite:
        config = self.config
        return named_suites.collect(self.store, self.domain, config.instances, seed=config.seed, options=config.options)

    def _reopen(self) -> Suite:
        """Take over the run to go on with, if its measurements can be compared with those of today."""
        record = self.store.run(self.run_id)
        go_on(record, circumstances(self.domain))
        self.store.lock_run(record.id, take_over=self.take_over)
        return named_suites.at_hand(record.suite, self._collect)

    def _spent(self) -> Usage | None:
        """What a run that goes on has spent; a replay spends nothing."""
        return usage(self.store, self.run_id) if self.run_id and not free(self.config.model) else None

    async def _accounted(self, suite: Suite, ledger: Ledger) -> Report:
        session = self.store.open_session(self.run_id)
        async with ledger.kept(lambda spending: self.store.record_spending(self.run_id, session, spending)):
            return await self._run(suite, ledger)

    async def _run(self, suite: Suite, ledger: Ledger) -> Report:
        bench = stages.Bench(
            domain=self.domain,
            executor=self.executor,
            observer=self.observer,
            seed=self.config.seed,
            limit=self.config.options.get("limit"),
        )
        baseline, instances = await self._baseline(bench, suite)
        begun = self.store.newest(self.run_id) > 0  # then nothing is raced that the search has not seen

        def may_race() -> bool:
            return not begun and ledger.more_than_half_left()

        race = Race(
            executor=self.executor,
            instances=instances,
            seed=self.config.seed,
            reference={m.instance: m for m in baseline.measurements},
            block=self.domain.terms.block,
            terms=self.domain.terms,
        )
        known = await self._builtins(race, baseline, may_race)
        rivals = known if self._apart and known else [baseline, *known]
        self._offered = await self._library(race, rivals, suite, may_race)
        archive = self._archive(baseline, [*known, *self._offered])
        search = self._search(archive, [*known, *self._offered], race, suite, ledger)
        self.observer.begin("searching", self.config.budget.evals)
        with _interruptible(search):
            await search.run()
        self._why = self._stopped(search.stopped) if search.interrupted and not search.failure else search.stopped
        ledger.save()  # no call is under way any more
        if search.stopped and not search.failure:
            self.observer.note(search.stopped)
        if search.interrupted:
            return self._report("interrupted", archive, failure=search.failure)
        await self._choose(bench, archive, known, race, suite)
        return self._report("finished", archive)

    def _archive(self, baseline: Trial, begun: Sequence[Trial]) -> Archive:
        """Begin with the baseline, and with what was raced before the first proposal."""
        archive = Archive(
            slots=self.slots,
            baseline=baseline,
            horizon=self.config.budget.evals,
            behaviour=lambda trial: self._behaviour(trial, baseline),
        )
        archive.begin_with(begun, apart=self._apart)
        return archive

    def _search(self, archive: Archive, begun: Sequence[Trial], race: Race, suite: Suite, ledger: Ledger) -> Search:
        return Search(
            run_id=self.run_id,
            seed=self.config.seed,
            domain=self.domain,
            archive=archive,
            strategy=self.strategy,
            novelty=Novelty(threshold=self.config.options.get("novelty"), language=self.domain.terms.language),
            open_dialogue=self._dialogues(self.proposer, suite),
            race=race,
            store=self.store,
            budget=ledger,
            observer=self.observer,
            window=self.config.window,
            builtins=begun,
            learn=proposers.listener(self.proposer),
            trouble=lambda: proposers.trouble(self.proposer),
        )

    async def _choose(
        self, bench: stages.Bench, archive: Archive, known: Sequence[Trial], race: Race, suite: Suite
    ) -> None:
        """Choose the winner, and hold it against the baseline and the controls."""
        self._judge = Judge(
            run_id=self.run_id,
            bench=bench,
            archive=archive,
            builtins=known,
            suite=suite,
            race=race,
            store=self.store,
            apart=self._apart,
            tune=bool(self.config.options.get("tuned_baseline", True)),
            wave=self.config.window,
        )
        await self._judge.run()

    async def _baseline(self, bench: stages.Bench, suite: Suite) -> tuple[Trial, list[Instance]]:
        """Measure the baseline, or take it from the record, and keep the instances that can tell candidates apart."""
        recorded = self.store.trials(self.run_id, last=0).get(0)
        baseline = recorded or await stages.baseline_trial(bench, self.run_id, suite.search)
        if not recorded:
            self.store.record(baseline)
        reference = {m.instance: m for m in baseline.measurements}
        instances = stages.usable(suite.search, reference, self.observer, least=self.domain.terms.least)
        if not instances:
            raise UsageError(
                "the baseline solves none of the search instances within its limit, or all at once: give others"
            )
        rng = generator(self.config.seed, "order of instances")
        order = [instances[i] for i in rng.permutation(len(instances))]
        measured = tuple(reference[instance.id] for instance in order)
        return baseline.model_copy(update={"measurements": measured}), order

    def _behaviour(self, trial: Trial, baseline: Trial) -> Mapping[str, float]:
        if trial.candidate is None:
            return {}
        return self.domain.behaviour(trial.candidate, trial.measurements, baseline.measurements)

    def _dialogues(
        self, proposer: Proposer, suite: Suite
    ) -> Callable[[int, Request, Archive, Callable[[Call], None]], Dialogue]:
        """Make the function that opens the talk for a trial."""
        recorded = self.store.all_calls(self.run_id, unfinished=True)
        sizes = {instance.id: instance.size for instance in suite.search}

        variants = used(self.config, PromptBook(self.store))

        def open_dialogue(number: int, request: Request, archive: Archive, record: Callable[[Call], None]) -> Dialogue:
            return Dialogue.open(
                proposer=proposer,
                request=request,
                domain=self.domain,
                archive=archive,
                number=number,
                seed=self.config.seed,
                record=record,
                recorded=recorded.get(number, ()),
                answers=self.config.options.get("answers", "fences"),
                variants=variants,
                sizes=sizes,
            )

        return open_dialogue

    async def _builtins(self, race: Race, baseline: Trial, may_race: Callable[[], bool]) -> list[Trial]:
        """Race the built-in policies, with no more candidates and no more time than the search will have."""
        return await Builtins(
            domain=self.domain,
            race=race,
            slots=self.slots,
            start=self.domain.start(self.slots),
            alone=self.config.options.get("start") == "default",
            most=self.config.budget.evals,
            recorded=self.store.trials(self.run_id, last=-1),
            record=self.store.record,
            may_start=may_race,
            observer=self.observer,
        ).run(baseline)

    async def _library(
        self, race: Race, known: Sequence[Trial], suite: Suite, may_race: Callable[[], bool]
    ) -> list[Trial]:
        """Race what earlier runs found on similar families, where that is asked for."""
        if not self.config.options.get("library"):
            return []
        offers = library.Library(
            store=self.store,
            domain=self.domain,
            slots=self.slots,
            suite=suite,
            observer=self.observer,
            known=known,
            replayed=proposers.replayed(self.proposer),
            most=min(library.MOST, self.config.budget.evals or library.MOST),
        )
        return await offers.race(self.run_id, race, may_race)

    def _report(self, state: str, archive: Archive, *, failure: str = "") -> Report:
        """Write the report; without a judgement, of an interrupted search, it names the best so far."""
        judge = self._judge
        best, ratio_select = (judge and judge.chosen) or (archive.baseline if judge else archive.best_so_far, None)
        assert best.candidate is not None
        assert best.ratio is not None
        spent = usage(self.store, self.run_id)
        return Report(
            run=self.run_id,
            state=state,
            failure=failure,
            trials=len(archive.trials) - 1,
            raced_before=archive.raced_before,
            states={str(state): count for state, count in archive.states.items()},
            repairs=answers(self.store, self.run_id, REPAIR),
            models=dict(archive.models),
            staleness=Staleness.of(len(archive.trials) - 1, self.config.window),
            baseline=Baseline(candidate=Candidate(domain=self.config.domain).id),
            best=Best(
                candidate=best.candidate.id,
                slots=dict(best.candidate.slots),
                policies=builtins.title(best) if best.operator.startswith(builtins.OPERATOR) else "",
                ratio_search=best.ratio,
                ratio_select=ratio_select,
            ),
            holdout=judge.verdict if judge else None,
            controls=judge.controls if judge else {},
            ablation=judge.ablation if judge else None,
            library=tuple(Offered.of(trial) for trial in self._offered),
            cost=Cost(usd=spent.usd, tokens=spent.tokens, cpu_s=round(spent.cpu_s, 3)),
        )


@contextmanager
def _interruptible(search: Search) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the search cleanly, and a second one at once."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def let_be() -> None:
        for number, handler in before.items():
            if loop.remove_signal_handler(number):
                signal.signal(number, handler)

    def interrupt(by: signal.Signals) -> None:
        search.interrupt(f"stopped by {by.name}")
        let_be()

    for number in before:
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    finally:
        let_be()
