"""Any strategy, with a share of its trials spent on the numbers of the best trial instead.

The strategy within decides on structure alone. It is asked and told as if it were by itself, with an archive that lacks
the trials of the tuner; but a parent that it names is taken with the best numbers that are known for it, and where it
races proposals against the best, that may be the tuner's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from slotforge.core.types import Request
from slotforge.search.archive import better, not_worse
from slotforge.search.tuner import Tuner

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Archive, Domain, Strategy
    from slotforge.core.types import Candidate, Trial

TUNE = "tune"  # operator of the trials of the tuner
TOLD = "by a racing tuner with trials of its own"


@dataclass(kw_only=True)
class Tuned:
    """See above.

    inner: the strategy.
    share: of the trials that go to the tuner, below 1.
    """

    inner: Strategy
    domain: Domain
    slots: Sequence[str]
    share: float
    _due: float = 0.0
    _pending: deque[tuple[str, ...] | None] = field(default_factory=deque)
    _places: list[int] = field(default_factory=lambda: [0])
    _better: dict[str, Candidate] = field(default_factory=dict)
    _leader: Trial | None = None

    def __post_init__(self) -> None:
        self._tuner = Tuner(domain=self.domain, slots=self.slots)

    @property
    def operators(self) -> Sequence[str]:
        """Those of the strategy within: the tuner asks nobody."""
        return self.inner.operators

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask the strategy, or the tuner as often as its share says."""
        self._due += self.share
        if self._due >= 1 and (request := self._tune(archive, rng)):
            self._due -= 1
            self._pending.append(None)
            return request
        self._due = min(self._due, 1.0)
        request = self.inner.ask(self._structure(archive), rng)
        self._pending.append(tuple(parent.id for parent in request.parents))
        told = {**request.told, "numbers": TOLD}
        return request.model_copy(
            update={"parents": tuple(map(self._with_best_numbers, request.parents)), "told": told}
        )

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Tell the strategy what it asked for, with the parents that it named, and the tuner the rest."""
        leader, parents = self._best(archive), self._pending.popleft()
        if better(trial, leader):
            self._leader = trial
        if parents is not None:
            self._places.append(len(archive.trials) - 1)
            told = trial if trial.parents == parents else trial.model_copy(update={"parents": parents})
            self.inner.tell(self._structure(archive), told)
            return
        self._tuner.tell(trial)
        if better(trial, leader) and trial.candidate is not None:
            self._better[trial.parents[0]] = trial.candidate
            if not_worse(archive.incumbent, leader):
                archive.promote(trial)

    def _tune(self, archive: Archive, rng: Generator) -> Request | None:
        leader = self._best(archive)
        subject = archive.incumbent if not_worse(archive.incumbent, leader) else leader
        made = self._tuner.ask(subject, rng)
        if made is None or subject.candidate is None:
            return None
        old = subject.candidate
        written = {slot: source for slot, source in made.slots.items() if old.slots.get(slot) != source}
        return Request(operator=TUNE, parents=(old,), slots=tuple(written), written=written)

    def _best(self, archive: Archive) -> Trial:
        """Return the best trial so far."""
        self._leader = self._leader or archive.seeds[0]
        return self._leader

    def _with_best_numbers(self, candidate: Candidate) -> Candidate:
        """Return a candidate with the best numbers that are known for it."""
        while candidate.id in self._better:
            candidate = self._better[candidate.id]
        return candidate

    def _structure(self, archive: Archive) -> Archive:
        return _Structure(whole=archive, places=self._places, share=self.share)


@dataclass(frozen=True, kw_only=True)
class _Structure:
    """An archive without the trials of the tuner: see `core.seams.Archive`."""

    whole: Archive
    places: Sequence[int]
    share: float

    @property
    def slots(self) -> Sequence[str]:
        return self.whole.slots

    @property
    def trials(self) -> Sequence[Trial]:
        return _Chosen(self.whole.trials, self.places)

    @property
    def incumbent(self) -> Trial:
        return self.whole.incumbent

    @property
    def seeds(self) -> Sequence[Trial]:
        return self.whole.seeds

    @property
    def horizon(self) -> int | None:
        return None if self.whole.horizon is None else self.whole.horizon - int(self.share * self.whole.horizon)

    def promote(self, trial: Trial) -> None:
        self.whole.promote(trial)

    def measured(self, candidate: Candidate) -> Trial | None:
        return self.whole.measured(candidate)

    def behaviour(self, trial: Trial) -> Mapping[str, float]:
        return self.whole.behaviour(trial)

    def failures(self, slots: Sequence[str], count: int) -> Sequence[Trial]:
        return self.whole.failures(slots, count)


class _Chosen(Sequence["Trial"]):
    """Some of a sequence of trials, by their places."""

    def __init__(self, trials: Sequence[Trial], places: Sequence[int]) -> None:
        self._trials = trials
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Trial: ...
    @overload
    def __getitem__(self, place: slice) -> list[Trial]: ...
    def __getitem__(self, place: int | slice) -> Trial | list[Trial]:
        if isinstance(place, int):
            return self._trials[self._places[place]]
        return [self._trials[one] for one in self._places[place]]
