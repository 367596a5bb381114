"""Whole slots of two parents in one child: no model is asked, nothing is made twice, and no child is as a parent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.search.strategies._exchange import exchange
from slotforge.search.strategies.mu_plus_lambda import MuPlusLambda

from .hand_made import archive, candidate, lead, trial

SLOTS = ("alpha", "beta", "gamma")
GENOMES = st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(["a", "b"]))


@given(GENOMES, GENOMES, st.integers())
def test_a_child_has_each_slot_from_one_of_its_parents_and_is_as_neither(one: dict, other: dict, seed: int) -> None:
    first, second = candidate(**one), candidate(**other)
    taken = exchange(first, second, SLOTS, generator(seed))
    child = first.with_slots(taken)
    for slot in SLOTS:
        assert child.slots.get(slot) in (first.slots.get(slot), second.slots.get(slot))
    if taken:
        assert child.id not in (first.id, second.id)


def test_all_mixtures_come_up() -> None:
    first, second = candidate(alpha="a", beta="a", gamma="a"), candidate(alpha="b", beta="b", gamma="b")
    seen = {tuple(exchange(first, second, SLOTS, generator(seed))) for seed in range(200)} - {()}
    assert len(seen) == 6


def test_members_exchange_slots_without_a_model_and_each_mixture_once() -> None:
    built = [candidate(alpha="a", beta="a"), candidate(alpha="b", beta="b"), candidate(beta="c", gamma="c")]
    known = archive(*(trial(-1 - n, 0.9 - n / 10, made) for n, made in enumerate(built)), slots=SLOTS)
    requests = lead(MuPlusLambda(initial=1, exchange=0.9), known, lambda *_: None, 80)
    made = [request.parents[0].with_slots(request.written).id for request in requests if request.written]
    assert len(made) >= 4
    assert len(set(made)) == len(made)
    assert {made.id for made in built}.isdisjoint(made)
    assert {request.operator for request in requests if request.written} == {"crossover"}


def test_with_a_single_slot_there_is_nothing_to_exchange() -> None:
    requests = lead(MuPlusLambda(exchange=1.0), archive(), lambda n, _: 1 - n / 1000, 60)
    assert not [request for request in requests if request.written]
