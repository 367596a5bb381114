"""EoH: one member for each objective, at most mu of them, and parents drawn by rank for six operators."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.types import Request
from slotforge.search.strategies.mu_plus_lambda import MuPlusLambda, survivors

from .hand_made import archive, candidate, lead, parents, trial


@given(st.lists(st.sampled_from([0.5, 0.7, 0.700001, 0.8, 1.0, 1.3]), min_size=1), st.integers(1, 6))
def test_survivors_are_the_best_with_one_for_each_objective(ratios: list[float], count: int) -> None:
    kept = [t.ratio for t in survivors([trial(n, ratio) for n, ratio in enumerate(ratios)], count)]
    distinct = sorted({round(ratio, 5) for ratio in ratios})
    assert [round(ratio or 0, 5) for ratio in kept] == distinct[:count]


def test_it_writes_from_the_task_alone_at_first_and_uses_all_other_operators_then() -> None:
    requests = lead(MuPlusLambda(initial=6), archive(), lambda n, _: 1 - n / 1000, 106)
    assert {request.operator for request in requests[:6]} == {"eoh_i1"}
    counts = Counter(request.operator for request in requests[6:])
    assert set(counts) == {"eoh_e1", "eoh_e2", "eoh_m1", "eoh_m2", "eoh_m3"}
    assert min(counts.values()) >= 10


def test_recombination_gets_several_different_parents_and_mutation_one() -> None:
    requests = lead(MuPlusLambda(parents=3), archive(), lambda n, _: 1 - n / 1000, 60)
    for request in requests[10:]:
        assert len(request.parents) == (3 if request.operator in ("eoh_e1", "eoh_e2") else 1)
        assert len({parent.id for parent in request.parents}) == len(request.parents)


def test_members_change_only_when_a_generation_is_in() -> None:
    strategy = MuPlusLambda(initial=1, children=4, population=2)
    requests = lead(strategy, archive(horizon=100), lambda n, _: 1 - n / 100, 9, window=1)
    seen = [{code for codes in parents(requests[begin : begin + 4]) for code in codes} for begin in (1, 5)]
    assert seen[0] <= {"", "code 1"}
    assert seen[1] <= {"code 4", "code 5"}


def test_built_in_policies_are_members_from_the_start_and_leave_when_better_ones_come() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="builtin")))
    strategy = MuPlusLambda(initial=2, children=2, population=2)
    requests = lead(strategy, known, lambda n, _: 0.5 if n == 4 else 0.95, 30)
    codes = [set(codes) for codes in parents(requests)]
    assert {"builtin"} in codes[2:4] or {"builtin", "code 1"} in codes[2:4]
    assert set.union(*codes[10:]) == {"code 4", "builtin"}


def test_proposals_are_raced_against_the_worst_member() -> None:
    known = archive(trial(-1, 0.9), trial(-2, 0.95))
    lead(MuPlusLambda(population=3), known, lambda *_: 1.5, 4)
    assert known.incumbent.ratio == 1.0


def test_the_ideas_of_the_parents_are_told() -> None:
    strategy = MuPlusLambda(initial=3)
    requests = lead(strategy, archive(), lambda n, _: {"ratio": 1 - n / 100, "said": {"idea": f"idea {n}"}}, 40)
    for request, codes in zip(requests[10:], parents(requests[10:]), strict=True):
        ideas = [code.replace("code", "idea") for code in codes]
        lines = [f"Parent {i}: {idea}" for i, idea in enumerate(ideas, start=1)] if len(ideas) > 1 else ideas
        assert request.told["thoughts"].split("\n") == lines


def test_the_bandit_prefers_the_operator_that_gains() -> None:
    def only_m1_gains(n: int, request: Request) -> float:
        return 1 - n / 1000 if request.operator == "eoh_m1" else 1.5

    def share(*, bandit: bool) -> float:
        requests = lead(MuPlusLambda(initial=1, bandit=bandit), archive(), only_m1_gains, 200)
        return [request.operator for request in requests].count("eoh_m1") / 200

    assert share(bandit=False) < 0.35
    assert share(bandit=True) > 0.5


def test_where_there_is_a_single_member_it_mutates() -> None:
    requests = lead(MuPlusLambda(initial=1), archive(), lambda *_: None, 40)
    assert {request.operator for request in requests[1:]} == {"eoh_m1", "eoh_m2", "eoh_m3"}


def test_recombination_names_slots_in_which_the_parents_differ() -> None:
    known = archive(
        trial(-1, 0.9, candidate(alpha="a")), trial(-2, 0.8, candidate(alpha="b")), slots=("alpha", "beta", "gamma")
    )
    known.seeds.pop()  # of the baseline
    requests = lead(MuPlusLambda(initial=1), known, lambda *_: None, 60)
    crossed = [request for request in requests if len(request.parents) > 1 and not request.written]
    assert crossed
    assert {request.slots for request in crossed} == {("alpha",)}
