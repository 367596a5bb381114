"""The built-in policies, raced before the search: it begins from the best of them, and must beat it to be worth it.

After AutoModSAT's presearch (Sun et al. 2025, arXiv:2507.22876), which spends a small budget on finding the slots that
move something; here the policies of the literature tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from slotforge.core import operators
from slotforge.core.seams import Domain
from slotforge.core.types import Candidate, Slot, Trial
from slotforge.search.archive import better
from slotforge.search.observer import Observer
from slotforge.search.race import Race

WAVE = 8  # policies that are raced against the same incumbent
OPERATOR = operators.BUILTIN
JOINT = "+"  # between the names of policies that a trial puts together

Policy = tuple[str, str, str]  # slot, name, source


@dataclass(frozen=True, kw_only=True)
class Builtins:
    """Races the policies that each slot has in the literature, one slot replaced at a time, and then the best together.

    slots: that are searched over; they take turns.
    start: where the search begins; when it is not the baseline, it comes first, and is measured in full.
    alone: race nothing but the start.
    most: trials at most, so that this costs no more than the search; None is no bound.
    recorded: trials that are known from before an interruption, by number.
    record: called with each new trial.
    may_start: whether more may be raced than is recorded: there is time, and the search has not begun without them.
    """

    domain: Domain
    race: Race
    slots: Sequence[str]
    start: Candidate
    alone: bool
    most: int | None
    recorded: Mapping[int, Trial]
    record: Callable[[Trial], None]
    may_start: Callable[[], bool]
    observer: Observer

    async def run(self, baseline: Trial) -> list[Trial]:
        """Race them; the trials are numbered downwards from -1."""
        known = self.domain.slots()
        first = [(slot, _name(known[slot], source), source) for slot, source in self.start.slots.items()]
        policies = [] if self.alone else in_turns(self.domain, self.slots)
        if self.most is not None:
            policies = policies[: max(-(-self.most // 2), self.most - len(self.slots) + 1)]
        self.observer.begin("racing the built-in policies", len(policies) + bool(first))
        begun = [await self._one(-1, first, baseline, baseline, in_full=True)] if first else []
        alone = await self._alone(policies, baseline, begun)
        left = None if self.most is None else self.most - len(alone)
        return [*alone, *await self._together(alone, left)]

    async def _alone(self, policies: Sequence[Policy], baseline: Trial, begun: Sequence[Trial]) -> list[Trial]:
        trials = list(begun)
        for start in range(0, len(policies), WAVE):
            incumbent = best(trials if begun else [baseline, *trials]) or baseline
            numbers = {place: -1 - len(begun) - place for place in range(start, min(start + WAVE, len(policies)))}
            wave = [
                self._one(number, (policies[place],), baseline, incumbent)
                for place, number in numbers.items()
                if self._may_run(number)
            ]
            trials += await asyncio.gather(*wave)
        return trials

    async def _together(self, alone: Sequence[Trial], most: int | None) -> list[Trial]:
        """Add to the best policy the best ones of other slots, one after the other, and keep those that help."""
        bar = alone[0].ratio if self.start.slots and alone and alone[0].ratio else 1.0
        of_slot: dict[tuple[str, ...], Trial] = {}
        for trial in sorted((t for t in alone if t.scored), key=lambda t: (t.ratio, -t.number)):
            if trial.ratio is not None and trial.ratio < bar:
                of_slot.setdefault(trial.slots, trial)
        if len(of_slot) < 2:
            return []
        incumbent, *others = of_slot.values()
        trials: list[Trial] = []
        self.observer.begin("putting the best built-in policies together", len(others[:most]))
        for extra in others[:most]:
            number = min(trial.number for trial in (*alone, *trials)) - 1
            if not self._may_run(number):
                break
            made = await self._one(number, (*policies_of(incumbent), *policies_of(extra)), incumbent, incumbent)
            trials.append(made)
            incumbent = made if better(made, incumbent) else incumbent
        return trials

    def _may_run(self, number: int) -> bool:
        """Whether to race one more."""
        return number in self.recorded or self.may_start()

    async def _one(
        self, number: int, policies: Sequence[Policy], parent: Trial, incumbent: Trial, *, in_full: bool = False
    ) -> Trial:
        if known := self.recorded.get(number):
            return known
        candidate = Candidate(domain=self.domain.name, slots={slot: source for slot, _, source in policies})
        result = await self.race.run(candidate, incumbent, in_full=in_full)
        self.observer.step()
        trial = Trial(
            run=parent.run,
            number=number,
            operator=OPERATOR + JOINT.join(name for _, name, _ in policies),
            slots=tuple(slot for slot, _, _ in policies),
            parents=(parent.candidate.id,) if parent.candidate else (),
            candidate=candidate,
            **result.fields,
        )
        self.record(trial)
        return trial


def _name(slot: Slot, source: str) -> str:
    return next(name for name, variant in slot.variants.items() if variant == source)


def in_turns(domain: Domain, slots: Sequence[str]) -> list[Policy]:
    """List the policies: the first of every slot besides its default, then the second of every slot, and so on."""
    known = domain.slots()
    columns = [[(s, v, source) for v, source in known[s].variants.items() if source != known[s].default] for s in slots]
    return [row for rows in zip_longest(*columns) for row in rows if row is not None]


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of lowest ratio among those measured in full, of equal ones the first."""
    return min((t for t in trials if t.scored), key=lambda t: (t.ratio, -t.number), default=None)


def policies_of(trial: Trial) -> list[Policy]:
    """Return the policies that a trial of this stage was made of."""
    names = trial.operator.removeprefix(OPERATOR).split(JOINT)
    sources = trial.candidate.slots if trial.candidate else {}
    return [(slot, name, sources[slot]) for slot, name in zip(trial.slots, names, strict=True)]


def best_alone(trials: Sequence[Trial]) -> Trial | None:
    """Return the best trial of a single policy."""
    return best([trial for trial in trials if len(trial.slots) == 1])


def title(trial: Trial) -> str:
    """Name the policies of a trial as users do: slot=Policy, with commas between several."""
    return ",".join(f"{slot}={name}" for slot, name, _ in policies_of(trial))
