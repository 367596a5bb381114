"""The library across runs: what earlier runs found, and unseen instances confirmed, on similar families.

The best of it is raced before the first proposal, as built-in policies are, so that a search may go on from there. A
candidate is left out where a run behind it has searched or chosen on an instance that is in the holdout split now: it
may have learned that by heart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from slotforge.core.types import Candidate, Suite, Trial
from slotforge.search import numbering
from slotforge.search.builtins import best
from slotforge.search.observer import Observer
from slotforge.search.race import Race
from slotforge.search.recorded import unjudged

if TYPE_CHECKING:
    from slotforge.core.seams import Domain
    from slotforge.lineage.confirmed import Confirmed
    from slotforge.lineage.store import SqlStore

MOST = 3
EVENT = "library"
OPERATOR = "library "


@dataclass(kw_only=True)
class Library:
    """Offers candidates of earlier runs to one that begins.

    slots: that are searched over; a candidate that replaces others is not offered.
    known: trials of the baseline and of built-in policies, which need no second race.
    replayed: a run that is run again, and so is offered what that one was, as far as that is fit; empty is none.
    most: candidates to offer.
    """

    store: SqlStore
    domain: Domain
    slots: Sequence[str]
    suite: Suite
    observer: Observer
    known: Sequence[Trial]
    replayed: str = ""
    most: int = MOST

    async def race(self, run: str, course: Race, may_start: Callable[[], bool]) -> list[Trial]:
        """Race what is offered to a run against the best of what is known.

        Args:
            may_start: whether more may be raced than is recorded: see `builtins.Builtins`.
        """
        recorded, more = self.store.trials(run, last=-1), may_start()
        numbered = {numbering.LIBRARY - place: one for place, one in enumerate(self.offered(run))}
        candidates = {number: one for number, one in numbered.items() if number in recorded or more}
        if candidates:
            self.observer.begin("racing candidates of earlier runs", len(candidates))
        incumbent = best(self.known) or self.known[0]

        async def one(number: int, candidate: Candidate) -> Trial:
            if number in recorded:
                return unjudged(recorded[number])
            result = await course.run(candidate, incumbent)
            self.observer.step()
            trial = Trial(
                run=run,
                number=number,
                operator=OPERATOR + candidate.id,
                slots=tuple(candidate.slots),
                parents=(),
                candidate=candidate,
                **result.fields,
            )
            self.store.record(trial)
            return trial

        return list(await asyncio.gather(*(one(*numbered) for numbered in candidates.items())))

    def offered(self, run: str) -> Sequence[Candidate]:
        """Choose for a run, or give what was chosen before an interruption: what is found meanwhile is not for it."""
        from slotforge.lineage import queries

        if (ids := self._recorded(run)) is None:
            ids = self._replay() if self.replayed else [one.id for one in self._choose()]
            told = f"{len(ids)} candidates of earlier runs offered"
            self.store.record_event(run, EVENT, {"offered": ids, "why": told})
        return [queries.candidate(self.store, id_) for id_ in ids]

    def _recorded(self, run: str) -> list[str] | None:
        """Return what a run was offered; None where it was not asked yet, or did without."""
        offered = (event.facts["offered"] for event in self.store.events(run) if event.kind == EVENT)
        return next(offered, None)

    def _replay(self) -> list[str]:
        """Return what the run was offered that is replayed; for another holdout split or slots, what of it is fit."""
        ids, original = self._recorded(self.replayed) or [], self.store.run(self.replayed)
        same = self._holdout == {i.id for i in original.suite.holdout}
        if same and set(self.slots) == set(original.config.slots or self.domain.searched(original.config.instances)):
            return ids
        return [one.id for one in self._choose(among=ids)]

    def _choose(self, among: Collection[str] | None = None) -> Sequence[Candidate]:
        from slotforge.lineage.confirmed import confirmed

        known = (o for o in confirmed(self.store, self.domain.name) if among is None or o.candidate.id in among)
        near = [(distance, one) for one in known if (distance := self._distance(one))]
        raced = {self.domain.key(trial.candidate) for trial in self.known if trial.candidate}
        chosen: dict[str, Candidate] = {}
        leaking, opened = 0, 0
        for _, one in sorted(near, key=lambda pair: (pair[0], pair[1].candidate.id)):
            key = self.domain.key(one.candidate) if self.domain.check(one.candidate) is None else ""
            if not key or key in chosen or key in raced:
                continue
            if len(chosen) == self.most:
                break
            if self._leaks(one):
                leaking += 1
                continue
            chosen[key] = one.candidate
            opened += self._was_opened(one)
        self._tell(leaking, opened)
        return tuple(chosen.values())

    def _tell(self, leaking: int, opened: int) -> None:
        if leaking:
            why = "they were found on what is in the holdout split now"
            self.observer.note(f"library: {leaking} candidates of earlier runs left out, for {why}")
        if opened:
            why = "the holdout split, or some of it, was theirs already, so that a verdict on them is no new evidence"
            self.observer.note(f"library: {opened} candidates of earlier runs offered of which is known that {why}")

    def _distance(self, one: Confirmed) -> tuple[int, float] | None:
        """Rank what was found on the same families first, then on families of the same kind, each by ratio."""
        if not set(one.candidate.slots) <= set(self.slots):
            return None
        ours = {i.family for i in self.suite.search}
        same = [ratio for family, ratio in one.families.items() if family in ours]
        if same:
            return 0, min(same)
        kinds = {_kind(family) for family in ours}
        akin = [ratio for family, ratio in one.families.items() if _kind(family) in kinds]
        return (1, min(akin)) if akin else None

    def _leaks(self, one: Confirmed) -> bool:
        from slotforge.lineage.confirmed import runs_behind

        runs = {*runs_behind(self.store, one.candidate.id), *one.runs}
        suites = (self.store.run(run).suite for run in sorted(runs))
        return any(i.id in self._holdout for suite in suites for i in suite.search + suite.select)

    def _was_opened(self, one: Confirmed) -> bool:
        suites = (self.store.run(run).suite for run in one.runs)
        return any(i.id in self._holdout for suite in suites for i in suite.holdout)

    @cached_property
    def _holdout(self) -> frozenset[str]:
        return frozenset(i.id for i in self.suite.holdout)


def _kind(family: str) -> str:
    """Return the name of a family without its settings."""
    return family.partition(":")[0]
