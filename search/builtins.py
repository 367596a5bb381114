"""The built-in policies, raced before the search: it begins from the best of them, and must beat it to be worth it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from slotforge.core.seams import Domain
from slotforge.core.types import Candidate, Trial
from slotforge.search.observer import Observer
from slotforge.search.race import Race

WAVE = 8  # policies that are raced against the same incumbent
OPERATOR = "builtin "


@dataclass(frozen=True, kw_only=True)
class Builtins:
    """Races the policies that each slot has in the literature, one slot replaced at a time.

    slots: that are searched over; they take turns.
    most: policies to race at most, so that this costs no more than the search; None is all.
    recorded: trials that are known from before an interruption, by number.
    record: called with each new trial.
    may_start: whether there is time for another wave.
    """

    domain: Domain
    race: Race
    slots: Sequence[str]
    most: int | None
    recorded: Mapping[int, Trial]
    record: Callable[[Trial], None]
    may_start: Callable[[], bool]
    observer: Observer

    async def run(self, baseline: Trial) -> list[Trial]:
        """Race them; the trials are numbered downwards from -1.

        A search that has begun has seen those that are recorded and no others.
        """
        policies = list(islice(in_turns(self.domain, self.slots), self.most))
        if any(number > 0 for number in self.recorded):
            policies = policies[: sum(number < 0 for number in self.recorded)]
        self.observer.begin("racing the built-in policies", len(policies))
        trials: list[Trial] = []
        incumbent = baseline
        for start in range(0, len(policies), WAVE):
            wave = range(start, min(start + WAVE, len(policies)))
            if not all(-1 - place in self.recorded for place in wave) and not self.may_start():
                break
            trials += await asyncio.gather(
                *(self._one(-1 - place, *policies[place], baseline, incumbent) for place in wave)
            )
            incumbent = min((t for t in (baseline, *trials) if t.scored), key=lambda t: (t.ratio, -t.number))
        return trials

    async def _one(self, number: int, slot: str, name: str, source: str, baseline: Trial, incumbent: Trial) -> Trial:
        if known := self.recorded.get(number):
            return known
        candidate = Candidate(domain=self.domain.name, slots={slot: source})
        result = await self.race.run(candidate, incumbent.measurements)
        self.observer.step()
        trial = Trial(
            run=baseline.run,
            number=number,
            operator=f"{OPERATOR}{name}",
            slots=(slot,),
            parents=(Candidate(domain=self.domain.name).id,),
            candidate=candidate,
            state=result.state,
            reason=result.reason,
            ratio=result.ratio,
            instances=len(result.measurements),
            cpu_s=sum(m.cpu_s for m in result.measurements),
            measurements=result.measurements,
        )
        self.record(trial)
        return trial


def in_turns(domain: Domain, slots: Sequence[str]) -> list[tuple[str, str, str]]:
    """List slot, name and source of the policies: the first of every slot, then the second of every slot, and so on."""
    known = domain.slots()
    columns = [[(s, v, source) for v, source in known[s].variants.items() if source != known[s].default] for s in slots]
    return [row for rows in zip_longest(*columns) for row in rows if row is not None]


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the policy of lowest ratio among those measured in full."""
    return min((t for t in trials if t.scored), key=lambda t: (t.ratio, -t.number), default=None)


def title(trial: Trial) -> str:
    """Name the policy of a trial as users do: slot=Policy."""
    return f"{trial.slots[0]}={trial.operator.removeprefix(OPERATOR)}"
