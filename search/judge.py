"""After a search: the winner is chosen, held against the baseline, put beside the controls, and taken apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slotforge.core.comparison import Held, Verdict
from slotforge.core.errors import KillsWorkers, Unfit
from slotforge.core.types import Candidate, Instance, Suite, Trial
from slotforge.search import builtins, stages
from slotforge.search.ablation import Knife
from slotforge.search.archive import Archive
from slotforge.search.confirm import Refuted
from slotforge.search.kept import Kept
from slotforge.search.race import Race
from slotforge.search.report import NOT_OPENED, Ablation, Control, nothing_tested, refuted
from slotforge.search.tuned_baseline import TunedBaseline

if TYPE_CHECKING:
    from slotforge.core.seams import Store


OPENED = (
    "{runs} held a winner against these instances, or some of them, before: the more searches are judged on the same "
    "instances, the more easily one of them looks better; `slotforge confirm` measures on others"
)


@dataclass(kw_only=True)
class Judge:
    """Judges one run, and keeps all that the judgement rests on.

    builtins: trials of the built-in policies.
    race: that the search went over.
    apart: the search begins elsewhere than at the baseline, so that its winner need not beat it.
    tune: whether a tuned baseline is among the controls.
    wave: settings of it that are raced at once.
    selection: what finalists and baseline did on the select split.
    held: verdicts on the controls; that on the winner is in the store.
    """

    run_id: str
    bench: stages.Bench
    archive: Archive
    builtins: Sequence[Trial]
    suite: Suite
    race: Race
    store: Store
    apart: bool
    tune: bool
    wave: int
    selection: stages.Selection = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    chosen: tuple[Trial, float | None] | None = None
    verdict: Verdict = field(default_factory=lambda: nothing_tested(NOT_OPENED))
    controls: dict[str, Control] = field(default_factory=dict)
    ablation: Ablation | None = None

    async def run(self) -> None:
        """Choose on the select split, and open the holdout split for the winner and for the controls."""
        self.recorded: Mapping[int, Trial] = self.store.trials(self.run_id, last=-1)  # controls
        kept = Kept(self.bench.executor, self.store, self.run_id, self.bench.domain.environment())
        self.kept = replace(self.bench, executor=kept)
        self.chosen, self.selection = await stages.choose(
            self.kept, self.archive.best(stages.FINALISTS), self.suite.select, bar=math.inf if self.apart else 1.0
        )
        baseline = Candidate(domain=self.bench.domain.name)
        self.controls["baseline"] = Control(candidate=baseline.id, name="baseline", ratio=1, low=1, high=1)
        winner = self.chosen[0].candidate if self.chosen else None
        if winner is None:
            self.bench.observer.note("no candidate beat the baseline on the select split")
        else:
            self.verdict = await self._hold(winner, self.suite.holdout)
            await self._beginnings(winner)
            if self.tune:
                await self._tuned_baseline(winner)
        if self.chosen is not None:
            knife = Knife(
                bench=self.bench, instances=self.suite.select, recorded=self.recorded, record=self.store.record
            )
            self.ablation = await knife.cut(self.chosen[0], self.selection)

    async def _hold(self, winner: Candidate, instances: Sequence[Instance]) -> Verdict:
        """Open the holdout split for the winner, once; the verdict is kept at once, so that others count this look."""
        held = self._known(winner, instances)
        if held is None:
            held = await self._look(winner, instances)
            self.store.record_verdict(self.run_id, held)
        return held.verdict

    def _known(self, winner: Candidate, instances: Sequence[Instance]) -> Held | None:
        """Return what was kept before an interruption."""
        ours, here = (winner, Candidate(domain=winner.domain), False), {instance.id for instance in instances}
        for held in self.store.verdicts(self.run_id):
            there = {pair.against.instance for pair in held.pairs}
            if (held.candidate, held.against, held.control) == ours and there <= here:
                return held
        return None

    async def _look(self, winner: Candidate, instances: Sequence[Instance]) -> Held:
        """Measure, and judge by what others have looked at before."""
        baseline, where = Candidate(domain=winner.domain), self.bench.domain.environment()
        try:
            held = await stages.holdout(self.kept, winner, instances, looks=self.store.not_better)
        except Refuted as error:
            held = error.held(winner, baseline, len(instances), where)
            self.store.record_event(self.run_id, "refuted", error.facts)
        except KillsWorkers:  # which may be the fault of the cluster, and is tried again when the run is resumed
            raise
        except Unfit as error:
            told = refuted(len(instances), f"{winner.id}: {error}")
            held = Held(candidate=winner, against=baseline, verdict=told, pairs=(), environment=where)
        if earlier := self.store.opened(self.run_id):
            notes = (*held.verdict.notes, OPENED.format(runs=f"{earlier} earlier run{'s' if earlier > 1 else ''}"))
            held = held.model_copy(update={"verdict": held.verdict.model_copy(update={"notes": notes})})
        return held

    async def _beginnings(self, winner: Candidate) -> None:
        """Hold against the baseline the best built-in policy, and what the search began from where that is another."""
        alone, start = builtins.best_alone(self.builtins), self.archive.seeds[0]
        if alone is not None and alone.candidate is not None:
            what = "the best built-in policy"
            await self._control("best_builtin", builtins.title(alone), alone.candidate, winner, what)
        if start.number == 0 or start.candidate is None or (alone and start.candidate == alone.candidate):
            return
        built_in = start.operator.startswith(builtins.OPERATOR)
        name = builtins.title(start) if built_in else start.candidate.id
        await self._control("start", name, start.candidate, winner, "what the search began from")

    async def _tuned_baseline(self, winner: Candidate) -> None:
        """Tune the baseline with as many evaluations as there were proposals; without better numbers it is itself.

        The setting is chosen as the winner is: among the best ones, on the select split.
        """
        ahead = await TunedBaseline(
            domain=self.bench.domain,
            race=self.race,
            slots=self.archive.slots,
            evals=len(self.archive.trials) - 1,
            wave=self.wave,
            seed=self.bench.seed,
            recorded=self.recorded,
            record=self.store.record,
            observer=self.bench.observer,
        ).run(self.archive.baseline)
        if ahead is None:
            return
        finalists, known = ahead[: stages.FINALISTS], self.selection[0]
        chosen, selection = await stages.choose(self.kept, finalists, self.suite.select, baseline=known)
        self.selection |= selection
        best = chosen[0].candidate if chosen else None
        if best is None:
            same = self.controls["baseline"].model_copy(update={"name": "no better numbers were found"})
            self.controls["tuned_baseline"] = same
            return
        name = ", ".join(sorted(best.slots))
        await self._control("tuned_baseline", name, best, winner, "the tuned baseline")

    async def _control(self, kind: str, name: str, candidate: Candidate, winner: Candidate, what: str) -> None:
        """Hold a control against the baseline on the same terms as the winner, unless it is the winner itself."""
        if candidate == winner:
            self.controls[kind] = Control.of(candidate, name, self.verdict)
        elif held := await stages.control(self.kept, name, candidate, self.suite.holdout, what=what):
            self.controls[kind] = Control.of(candidate, name, held.verdict)
            self.held.append(held)
