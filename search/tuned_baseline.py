"""A control: the solver as it ships with its numbers tuned, with as many evaluations as the search had proposals.

It tells how much of a winner's gain is no merit of its rules. Each setting is raced against the best one before it, on
the terms on which proposals are raced against their incumbent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slotforge.core import operators
from slotforge.core.ids import generator
from slotforge.core.seams import Domain
from slotforge.core.types import Candidate, Trial
from slotforge.search import numbering
from slotforge.search.archive import better
from slotforge.search.observer import Observer
from slotforge.search.race import Race
from slotforge.search.tuner import Tuner

OPERATOR = operators.TUNED_BASELINE


@dataclass(frozen=True, kw_only=True)
class TunedBaseline:
    """Tunes the baseline.

    slots: whose numbers may change: those that were searched over.
    evals: settings to try.
    wave: settings raced at once, against the same best one.
    recorded: trials that are known from before an interruption, by number.
    record: called with each new trial.
    """

    domain: Domain
    race: Race
    slots: Sequence[str]
    evals: int
    wave: int
    seed: int
    recorded: Mapping[int, Trial]
    record: Callable[[Trial], None]
    observer: Observer

    async def run(self, baseline: Trial) -> Sequence[Trial] | None:
        """Return the trials of the settings that are better than the baseline, best first; None without any numbers."""
        assert baseline.candidate is not None
        tuner = Tuner(domain=self.domain, slots=self.slots)
        if not tuner.numbers(baseline.candidate):
            return None
        self.observer.begin("tuning the numbers of the baseline, a control", self.evals)
        best, ahead = baseline, list[Trial]()
        for first in range(0, self.evals, self.wave):
            places = range(first, min(first + self.wave, self.evals))
            asked = {place: tuner.ask(best, generator(self.seed, place, OPERATOR)) for place in places}
            wave = [self._one(place, candidate, best) for place, candidate in asked.items() if candidate is not None]
            for trial in await asyncio.gather(*wave):
                tuner.tell(trial)
                best = trial if better(trial, best) else best
                ahead += [trial] if better(trial, baseline) else []
        return sorted(ahead, key=lambda trial: (trial.ratio or 0.0, -trial.number))

    async def _one(self, place: int, candidate: Candidate, best: Trial) -> Trial:
        number = numbering.TUNED_BASELINE - place
        if known := self.recorded.get(number):
            return known
        result = await self.race.run(candidate, best)
        self.observer.step()
        trial = Trial(
            run=best.run,
            number=number,
            operator=OPERATOR,
            slots=tuple(candidate.slots),
            parents=(best.candidate.id,) if best.candidate else (),
            candidate=candidate,
            **result.fields,
        )
        self.record(trial)
        return trial
