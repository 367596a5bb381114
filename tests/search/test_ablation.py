"""The knife: the same pieces under the same numbers, in whatever order the store gives the slots of a winner."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from slotforge.core.types import Candidate, Instance, Measurement, Outcome, Terms, Trial, TrialState
from slotforge.search.ablation import Knife
from slotforge.search.observer import Silent

SLOTS = {"gamma": "3", "alpha": "1", "beta": "2"}
INSTANCE = Instance(id="i", name="i", family="f", path="")


def run_of(candidate: Candidate) -> Measurement:
    return Measurement(
        candidate=candidate.id, instance="i", family="f", seed=0, outcome=Outcome.SOLVED, cost=10.0, cpu_s=0.1
    )


def cut(slots: dict[str, str], recorded: dict[int, Trial]) -> tuple[dict[int, Trial], list[str]]:
    """Take a winner apart; return the pieces by number, and what was measured."""
    measured: list[str] = []
    kept = dict(recorded)

    class Bench:
        observer = Silent()
        domain = SimpleNamespace(terms=Terms())

        async def measure(self, piece: Candidate, *_: object, **__: object) -> list[Measurement]:
            measured.append(piece.id)
            return [run_of(piece)]

    winner = Trial(
        run="r",
        number=3,
        operator="o",
        slots=tuple(slots),
        parents=(),
        state=TrialState.SCORED,
        candidate=Candidate(domain="d", slots=slots),
    )
    knife = Knife(
        bench=Bench(),  # type: ignore[arg-type]
        instances=(INSTANCE,),
        recorded=recorded,
        record=lambda trial: kept.update({trial.number: trial}),
    )
    assert winner.candidate is not None
    asyncio.run(knife.cut(winner, {0: [run_of(Candidate(domain="d"))], 3: [run_of(winner.candidate)]}))
    return kept, measured


def named(trials: dict[int, Trial]) -> dict[int, str]:
    return {number: trial.candidate.id for number, trial in trials.items() if trial.candidate}


def test_pieces_have_the_same_numbers_whatever_the_order_of_slots() -> None:
    first, measured = cut(SLOTS, {})
    assert len(measured) == len(first) == 6
    for order in (sorted(SLOTS), sorted(SLOTS, reverse=True)):
        turned = {slot: SLOTS[slot] for slot in order}
        assert named(cut(turned, {})[0]) == named(first)
        assert cut(turned, first)[1] == []


def test_a_record_of_another_piece_is_not_taken_for_this_one() -> None:
    first, measured = cut(SLOTS, {})
    other = {n: trial.model_copy(update={"candidate": Candidate(domain="d")}) for n, trial in first.items()}
    assert cut(SLOTS, other)[1] == measured
