"""The winner taken apart: what it costs without each of its slots, and what each of them reaches alone.

Measured on the select split, paired by instance; intervals are those of a verdict. Slots are adapted to one another
where the winner costs less than the product of what its slots reach alone, beyond noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slotforge.core.errors import Unfit
from slotforge.core.types import CAP, Candidate, Instance, Measurement, Trial, TrialState, log_ratio
from slotforge.search import numbering
from slotforge.search.report import Ablation, Effect, Part
from slotforge.search.stages import Bench, Selection
from slotforge.search.verdict import interval

OPERATOR = "ablation"


@dataclass(frozen=True, kw_only=True)
class Knife:
    """Takes candidates apart.

    instances: of the select split.
    recorded: trials that are known from before an interruption, by number.
    record: called with each new trial.
    """

    bench: Bench
    instances: Sequence[Instance]
    recorded: Mapping[int, Trial]
    record: Callable[[Trial], None]

    async def cut(self, winner: Trial, selection: Selection) -> Ablation | None:
        """Measure the winner without each slot, and each slot alone.

        Args:
            selection: what the winner and the baseline did on the select split.

        Returns:
            None for a candidate of fewer than two slots, or without an instance to measure it on.
        """
        whole, runs = winner.candidate, selection.get(winner.number, ())
        if whole is None or len(whole.slots) < 2 or not runs:
            return None
        slots = sorted(whole.slots)  # whatever order the store gives them in
        less = {slot: _only(whole, whole.slots.keys() - {slot}) for slot in slots}
        alone = {slot: _only(whole, {slot}) for slot in slots}
        pieces = {piece.id: piece for piece in (*less.values(), *alone.values())}
        reference = {m.instance: m for m in selection[0] if m.instance in {run.instance for run in runs}}
        self.bench.observer.begin("taking the winner apart", len(reference) * len(pieces))
        measured = {
            id_: await self._measure(numbering.ABLATION - place, piece, winner, reference)
            for place, (id_, piece) in enumerate(pieces.items())
        }
        return self._judge(runs, reference, less, alone, measured)

    def _judge(
        self,
        runs: Sequence[Measurement],
        reference: Mapping[str, Measurement],
        less: Mapping[str, Candidate],
        alone: Mapping[str, Candidate],
        measured: Mapping[str, Sequence[Measurement]],
    ) -> Ablation:
        won = {m.instance: m for m in runs}
        parts = tuple(
            Part(
                slot=slot,
                without=self._effect(measured[less[slot].id], won),
                without_candidate=less[slot].id,
                alone=self._effect(measured[alone[slot].id], reference),
                alone_candidate=alone[slot].id,
            )
            for slot in less
        )
        singles = [self._logs(measured[alone[slot].id], reference) for slot in less]
        joint = self._logs(runs, reference)
        apart = (
            {instance: log - sum(one[instance] for one in singles) for instance, log in joint.items()}
            if all(singles)
            else {}
        )
        return Ablation(instances=len(won), parts=parts, together=_effect(apart, reference))

    async def _measure(
        self, number: int, piece: Candidate, winner: Trial, reference: Mapping[str, Measurement]
    ) -> Sequence[Measurement]:
        """Measure one piece; nothing, with a note, where it fails."""
        if (known := self.recorded.get(number)) and known.candidate == piece:
            return known.selection
        instances = [instance for instance in self.instances if instance.id in reference]
        limits = {id_: math.ceil(m.cost * CAP) for id_, m in reference.items()}
        failure, measured = "", list[Measurement]()
        try:
            measured = await self.bench.measure(piece, instances, limits=limits)
        except Unfit as error:
            failure = str(error)
            self.bench.observer.note(f"the winner with {', '.join(piece.slots)} alone: {failure}")
        self.record(
            Trial(
                run=winner.run,
                number=number,
                operator=OPERATOR,
                slots=tuple(piece.slots),
                parents=(winner.candidate.id,) if winner.candidate else (),
                candidate=piece,
                state=TrialState.FAILED if failure else TrialState.SCORED,
                reason=failure,
                selection=tuple(measured),
            )
        )
        return measured

    def _logs(self, runs: Iterable[Measurement], against: Mapping[str, Measurement]) -> dict[str, float]:
        return {m.instance: log_ratio(m, against[m.instance], self.bench.domain.terms.span) for m in runs}

    def _effect(self, runs: Iterable[Measurement], against: Mapping[str, Measurement]) -> Effect | None:
        return _effect(self._logs(runs, against), against)


def _only(whole: Candidate, slots: Iterable[str]) -> Candidate:
    kept = set(slots)
    return Candidate(domain=whole.domain, slots={slot: text for slot, text in whole.slots.items() if slot in kept})


def _effect(logs: Mapping[str, float], reference: Mapping[str, Measurement]) -> Effect | None:
    """Take the mean of logarithms by instance, stratified by family; None of nothing."""
    families: dict[str, list[float]] = {}
    for instance, log in logs.items():
        families.setdefault(reference[instance].family, []).append(log)
    if not families:
        return None
    mean, low, high = interval([np.array(values) for _, values in sorted(families.items())])
    return Effect(ratio=math.exp(mean), low=math.exp(low), high=math.exp(high))
