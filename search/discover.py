"""The main job: from instances to a heuristic with a verdict on instances that the search never saw."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.seams import Domain, Executor, Proposer, Strategy
from slotforge.core.types import Call, Candidate, Instance, Measurement, Request, RunConfig, Suite, Trial, Verdict
from slotforge.lineage.queries import usage
from slotforge.search import proposers, stages, worker
from slotforge.search.archive import Archive
from slotforge.search.budget import Ledger
from slotforge.search.confirm import Refuted
from slotforge.search.loop import Search
from slotforge.search.observer import Observer, Silent
from slotforge.search.proposers.dialogue import Dialogue
from slotforge.search.race import Race
from slotforge.search.report import Baseline, Best, Control, Cost, Report, nothing_tested, refuted

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore


@dataclass(kw_only=True)
class Discovery:
    """One run of the main job.

    run_id: of a run to go on with; a new run is opened without it.
    """

    config: RunConfig
    store: SqlStore
    observer: Observer = field(default_factory=Silent)
    run_id: str = ""

    def run(self) -> Report:
        """Search, choose, and hold against the baseline; Ctrl-C ends the search cleanly, and it can be resumed."""
        self.domain: Domain = worker.domain(self.config.domain)
        self.slots = self._slots()
        self.strategy: Strategy = registry.load("slotforge.search.strategies", self.config.strategy).strategy()
        make_executor = registry.load("slotforge.search.executors", self.config.executor).executor
        suite = self._open()
        self.executor: Executor = make_executor(self.config.workers)
        try:
            report = asyncio.run(self._run(suite))
        finally:
            self.executor.close()
        self.store.finish(self.run_id, report.state, report.model_dump(mode="json"))
        return report

    def _slots(self) -> tuple[str, ...]:
        known = self.domain.slots()
        if unknown := [slot for slot in self.config.slots if slot not in known]:
            raise UsageError(f"no slot called '{unknown[0]}': choose from {', '.join(known)}")
        return self.config.slots or tuple(known)

    def _open(self) -> Suite:
        """Open a new run, or find the suite of the one to go on with."""
        if self.run_id:
            self.store.lock_run(self.run_id)
            return self.store.run(self.run_id).suite
        self.observer.begin("reading the instances", None)
        suite = self.domain.suite(self.config.instances, seed=self.config.seed, options=self.config.options)
        for warning in suite.warnings:
            self.observer.note(warning)
        self.run_id = self.store.create_run(self.config, suite, self.domain.environment())
        self.observer.note(f"run {self.run_id}")
        return suite

    async def _run(self, suite: Suite) -> Report:
        config = self.config
        bench = stages.Bench(
            domain=self.domain,
            executor=self.executor,
            observer=self.observer,
            seed=config.seed,
            limit=config.options.get("limit"),
        )
        baseline, instances = await self._baseline(bench, suite)
        race = Race(
            executor=self.executor,
            instances=instances,
            seed=config.seed,
            reference={m.instance: m for m in baseline.measurements},
        )
        archive = Archive(slots=self.slots, baseline=baseline)
        ledger = Ledger(config.budget, spent=usage(self.store, self.run_id))
        proposer = proposers.make(
            config.model, base_url=config.base_url, domain=self.domain, budget=ledger, store=self.store
        )
        search = Search(
            run_id=self.run_id,
            seed=config.seed,
            domain=self.domain,
            archive=archive,
            strategy=self.strategy,
            open_dialogue=self._dialogues(proposer),
            race=race,
            store=self.store,
            budget=ledger,
            observer=self.observer,
            window=config.window,
        )
        self.observer.begin("searching", config.budget.evals)
        with _interruptible(search):
            await search.run()
        if search.stopped:
            self.observer.note(search.stopped)
        if search.interrupted:
            return self._report("interrupted", archive)
        return await self._judge(bench, race, archive, suite)

    async def _baseline(self, bench: stages.Bench, suite: Suite) -> tuple[Trial, list[Instance]]:
        """Measure the baseline, or take it from the record, and keep the instances that can tell candidates apart."""
        recorded = self.store.trials(self.run_id).get(0)
        baseline = recorded or await stages.baseline_trial(bench, self.run_id, suite.search)
        if not recorded:
            self.store.record(baseline)
        reference = {m.instance: m for m in baseline.measurements}
        instances = stages.usable(suite.search, reference, self.observer)
        if not instances:
            raise UsageError(
                "the baseline solves none of the search instances within its limit, or all at once: give others"
            )
        rng = generator(self.config.seed, "order of instances")
        order = [instances[i] for i in rng.permutation(len(instances))]
        measured = tuple(reference[instance.id] for instance in order)
        return baseline.model_copy(update={"measurements": measured}), order

    def _dialogues(self, proposer: Proposer) -> Callable[[int, Request, Archive, Callable[[Call], None]], Dialogue]:
        """Make the function that opens the talk for a trial."""
        recorded = self.store.all_calls(self.run_id)

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
            )

        return open_dialogue

    async def _judge(self, bench: stages.Bench, race: Race, archive: Archive, suite: Suite) -> Report:
        """Choose the winner on the select split, and open the holdout split once."""
        baseline = Candidate(domain=self.config.domain)
        chosen = await stages.choose(bench, archive.best(stages.FINALISTS), suite.select)
        controls = await self._controls(bench, race, archive)
        reference: list[Measurement] = []
        if chosen is None:
            self.observer.note("no candidate beat the baseline on the select split")
            held = nothing_tested(len(suite.holdout))
        else:
            held, reference = await self._hold(bench, chosen[0].candidate or baseline, suite.holdout)
        if controls and not reference:
            reference = await stages.reference(bench, suite.holdout)
        measured = {
            key: await stages.control(bench, name, candidate, suite.holdout, reference)
            for key, (name, candidate) in controls.items()
        }
        measured["baseline"] = Control(candidate=baseline.id, name="baseline", ratio=1, low=1, high=1)
        return self._report("finished", archive, chosen=chosen, verdict=held, controls=measured)

    async def _hold(
        self, bench: stages.Bench, winner: Candidate, instances: Sequence[Instance]
    ) -> tuple[Verdict, list[Measurement]]:
        """Open the holdout split: return the verdict, and the baseline's measurements if it came to them."""
        try:
            held, pairs = await stages.holdout(bench, winner, instances)
        except Refuted as error:
            held, pairs = refuted(len(instances), str(error)), []
            self.store.record_event(self.run_id, "refuted", {"candidate": winner.id, "reason": str(error)})
        self.store.record_verdict(self.run_id, winner, Candidate(domain=self.config.domain), held)
        return held, [pair.against for pair in pairs if pair.against.seed == bench.seed]

    async def _controls(self, bench: stages.Bench, race: Race, archive: Archive) -> dict[str, tuple[str, Candidate]]:
        """Find the best built-in variant, with no more candidates than the search had, or take it from the record."""
        recorded = [trial for number, trial in sorted(self.store.trials(self.run_id).items()) if number < 0]
        trials = recorded[::-1] or await stages.best_builtin(
            bench, race, self.slots, archive.baseline, count=max(len(archive.trials) - 1, len(self.slots))
        )
        if not recorded:
            for trial in trials:
                self.store.record(trial)
        best = min((t for t in trials if t.scored), key=lambda t: (t.ratio, -t.number), default=None)
        if best is None or best.candidate is None:
            return {}
        return {"best_builtin": (f"{best.slots[0]}={best.operator.removeprefix('builtin ')}", best.candidate)}

    def _report(
        self,
        state: str,
        archive: Archive,
        *,
        chosen: tuple[Trial, float] | None = None,
        verdict: Verdict | None = None,
        controls: dict[str, Control] | None = None,
    ) -> Report:
        leader = archive.leader if state == "interrupted" else None
        best, ratio_select = chosen or (leader or archive.baseline, None)
        assert best.candidate is not None
        assert best.ratio is not None
        spent = usage(self.store, self.run_id)
        return Report(
            run=self.run_id,
            state=state,
            trials=len(archive.trials) - 1,
            states=dict(Counter(str(t.state) for t in archive.trials[1:])),
            baseline=Baseline(candidate=Candidate(domain=self.config.domain).id),
            best=Best(
                candidate=best.candidate.id,
                slots=dict(best.candidate.slots),
                ratio_search=best.ratio,
                ratio_select=ratio_select,
            ),
            holdout=verdict,
            controls=controls or {},
            cost=Cost(usd=spent.usd, tokens=spent.tokens, cpu_s=round(spent.cpu_s, 3)),
        )


@contextmanager
def _interruptible(search: Search) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the search cleanly, and a second one at once."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt() -> None:
        search.interrupt()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
