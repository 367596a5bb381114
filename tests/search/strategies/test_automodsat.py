"""AutoModSAT: a presearch that promotes nothing, the slots and prompts it keeps, and the EA over several slots."""

from __future__ import annotations

from collections import Counter

import pytest

from slotforge.core.types import Request, TrialState
from slotforge.search.strategies.automodsat import PROMPTS, AutoModSat

from .hand_made import archive, candidate, lead, trial

SLOTS = ("alpha", "beta", "gamma")
ARMS = [(slot, prompt) for prompt in PROMPTS for slot in SLOTS]


def arms(requests: list[Request]) -> list[tuple[str, str]]:
    return [(slot, request.operator) for request in requests for slot in request.slots]


def test_the_presearch_probes_every_slot_with_every_prompt_alike_and_from_the_host_alone() -> None:
    asked = lead(AutoModSat(probes=2), archive(slots=SLOTS), lambda n, _: 0.5 - n / 100, 12)
    assert arms(asked) == ARMS * 2
    assert all(not request.parents[0].slots for request in asked)


def test_its_best_is_where_the_search_goes_on_from() -> None:
    known = archive(slots=SLOTS)
    asked = lead(AutoModSat(probes=1), known, lambda n, _: {3: 0.5, 4: 0.7}.get(n, 1.5), 7)
    assert asked[6].parents[0].slots == {"gamma": "code 3"}


@pytest.mark.parametrize("moved", [0.9, 1.1])
def test_only_slots_and_prompts_that_moved_the_cost_up_or_down_are_kept(moved: float) -> None:
    def ratio(_: int, request: Request) -> float:
        return moved if (request.slots, request.operator) == (("beta",), "fresh") else 1.02

    asked = lead(AutoModSat(probes=2), archive(slots=SLOTS), ratio, 60)[12:]
    assert Counter(arms(asked)) == Counter({("beta", "fresh"): 48})


def test_what_was_raced_out_moved_the_cost_and_what_failed_did_not() -> None:
    def ratio(_: int, request: Request) -> dict[str, object] | None:
        if request.slots != ("gamma",):
            return None
        return {"ratio": 1.5, "state": TrialState.RACED_OUT}

    asked = lead(AutoModSat(probes=2), archive(slots=SLOTS), ratio, 40)[12:]
    assert set(arms(asked)) == {("gamma", "mutate"), ("gamma", "fresh")}


def test_what_is_measured_on_a_few_instances_is_held_against_the_host_on_those() -> None:
    """The host needs 0.8 on the first two and 1.25 on the others; what was raced out does the same as it there."""
    host = trial(-1, 1.0, candidate(beta="built-in"), costs=(0.8, 0.8, 1.25, 1.25), operator="builtin")
    known = archive(host, slots=SLOTS)
    known.promote(host)

    def ratio(_: int, request: Request) -> dict[str, object]:
        if request.slots == ("gamma",):
            return {"ratio": 1.5, "costs": (1.2, 1.2), "state": TrialState.RACED_OUT}
        state = TrialState.REJECTED if request.slots == ("beta",) else TrialState.RACED_OUT
        return {"ratio": 0.8, "costs": (0.8, 0.8), "state": state}

    asked = lead(AutoModSat(probes=2), known, ratio, 40)[12:]
    assert set(arms(asked)) == {("gamma", "mutate"), ("gamma", "fresh")}


def test_a_host_that_gets_better_numbers_in_between_moves_nothing_by_itself() -> None:
    known, strategy = archive(slots=SLOTS), AutoModSat(probes=2)
    tuned = trial(100, 0.8, candidate(beta="better numbers"))

    def ratio(number: int, request: Request) -> float:
        if number == 5:
            known.promote(tuned)
        host = 0.8 if request.parents[0] == tuned.candidate else 1.0
        return host * (1.2 if request.slots == ("gamma",) else 1.0)

    asked = lead(strategy, known, ratio, 40)[12:]
    assert set(arms(asked)) == {("gamma", "mutate"), ("gamma", "fresh")}


def test_where_nothing_moved_it_enough_what_moved_it_most_is_kept() -> None:
    def ratio(_: int, request: Request) -> float:
        return 1.02 if (request.slots, request.operator) == (("gamma",), "mutate") else 1.01

    asked = lead(AutoModSat(probes=2), archive(slots=SLOTS), ratio, 40)[12:]
    assert set(arms(asked)) == {("gamma", "mutate")}


def test_where_everything_failed_everything_is_kept() -> None:
    asked = lead(AutoModSat(probes=1), archive(slots=SLOTS), lambda *_: None, 200)[6:]
    assert set(arms(asked)) == set(ARMS)


@pytest.mark.parametrize(("horizon", "presearch"), [(100, 12), (30, 9), (10, 3), (2, 0), (None, 12)])
def test_the_presearch_takes_at_most_its_share_of_the_budget(horizon: int | None, presearch: int) -> None:
    strategy, known = AutoModSat(probes=2, share=0.3), archive(slots=SLOTS, horizon=horizon)
    lead(strategy, known, lambda *_: 0.5, presearch + 8)
    promoted = [n for n in range(1, presearch + 9) if known.trials[n] is known.incumbent]
    assert strategy._presearch(known) == presearch
    assert promoted[0] >= presearch


def test_slots_and_prompts_that_were_not_probed_are_not_condemned() -> None:
    known = archive(slots=SLOTS, horizon=10)
    asked = lead(AutoModSat(probes=1, share=0.3), known, lambda *_: 1.0, 150)[3:]
    assert set(arms(asked)) == set(ARMS[3:])


def test_the_ea_mutates_k_of_n_slots_and_moves_at_the_end_of_a_generation_to_its_best_if_not_worse() -> None:
    def ratio(number: int, _: Request) -> float:
        return 0.9 if number <= 6 else {8: 0.85, 9: 0.8, 11: 0.8}.get(number, 0.95)

    known = archive(slots=SLOTS)
    asked = lead(AutoModSat(probes=1, children=4), known, ratio, 400)
    bases = [request.parents[0] for request in asked]
    assert len({one.id for one in bases[:6]}) == 1
    assert len({one.id for one in bases[6:10]}) == 1
    assert "code 9" in bases[10].slots.values()
    assert "code 11" in bases[14].slots.values()
    assert bases[14] == bases[399]
    sizes = Counter(len(request.slots) for request in asked[6:])
    shares = {1: 12 / 27 + 8 / 27, 2: 6 / 27, 3: 1 / 27}  # Bin(3, 1/3), and one slot where none was drawn
    assert all(sizes[k] / 394 == pytest.approx(share, abs=0.06) for k, share in shares.items())
