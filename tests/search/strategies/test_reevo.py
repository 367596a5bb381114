"""ReEvo: pairs that differ in objective, hints and lessons that go on, a population that is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from slotforge.core.types import Request, Trial
from slotforge.search.strategies.reevo import MAX_HINT, ReEvo

from .hand_made import archive, candidate, lead, parents, trial

SMALL = {"population": 4, "initial": 3, "mutation_rate": 0.5}


def said(n: int, request: Request) -> Mapping[str, Any]:
    """Answer as a model would: hints from each crossover, lessons where hints were told."""
    texts = {"idea": f"idea {n}"}
    if request.operator == "reevo_crossover":
        texts["reevo_reflect"] = f"hint {n}"
    if "hints" in request.told:
        texts["reevo_lessons"] = f"lessons {n}"
    return {"ratio": 1 - n / 1000, "said": texts}


def ratio_by_code(known: list[Trial]) -> dict[str, float]:
    return {t.candidate.slots.get("alpha", ""): t.ratio for t in known if t.candidate and t.ratio}


def test_a_generation_is_crossovers_and_then_mutations_of_the_best() -> None:
    requests = lead(ReEvo(**SMALL), archive(), lambda n, _: 1 - n / 1000, 15)
    turn = ["reevo_crossover"] * 4 + ["reevo_mutate"] * 2
    assert [request.operator for request in requests] == ["fresh"] * 3 + turn * 2
    assert parents(requests)[7:9] == [["code 7"], ["code 8"]]


@pytest.mark.parametrize("window", [1, 4])
def test_pairs_differ_in_objective_and_the_better_comes_first(window: int) -> None:
    known = archive()
    requests = lead(ReEvo(**SMALL), known, lambda n, _: 1 - n % 3 / 10, 63, window=window)
    ratios = ratio_by_code(known.trials)
    pairs = [codes for r, codes in zip(requests, parents(requests), strict=True) if r.operator == "reevo_crossover"]
    assert len(pairs) >= 36
    assert all(ratios[better] < ratios[worse] for better, worse in pairs)


def test_the_population_is_replaced_by_the_children_and_only_the_best_outlives_it() -> None:
    ratios = [0.5, 0.6, 0.7, 0.81, 0.82, 0.83, 0.84, 0.91, 0.92]
    requests = lead(ReEvo(**SMALL), archive(), lambda n, _: ratios[n - 1] if n <= 9 else None, 13)
    seen = {code for codes in parents(requests[9:13]) for code in codes}
    assert seen <= {"code 1", *(f"code {n}" for n in range(4, 10))}
    assert {"code 2", "code 3", ""}.isdisjoint(seen)


def test_the_first_mutation_of_a_generation_draws_lessons_from_all_hints_since_the_last() -> None:
    requests = lead(ReEvo(**SMALL), archive(), said, 21)
    asked = {n: request.told["hints"] for n, request in enumerate(requests, start=1) if "hints" in request.told}
    assert asked == {
        8: "- hint 4\n- hint 5\n- hint 6\n- hint 7",
        14: "- hint 10\n- hint 11\n- hint 12\n- hint 13",
        20: "- hint 16\n- hint 17\n- hint 18\n- hint 19",
    }


def test_the_lessons_reach_the_next_mutations_and_the_next_reflection() -> None:
    requests = lead(ReEvo(**SMALL), archive(), said, 21)
    lessons = {n: r.told["lessons"] for n, r in enumerate(requests, start=1) if r.operator == "reevo_mutate"}
    assert lessons == {8: "", 9: "lessons 8", 14: "lessons 8", 15: "lessons 14", 20: "lessons 14", 21: "lessons 20"}


def test_with_proposals_under_way_no_hint_is_lost() -> None:
    requests = lead(ReEvo(**SMALL), archive(), said, 63, window=4)
    hints = "\n".join(request.told["hints"] for request in requests if "hints" in request.told).split("\n")
    crossed = [n for n, r in enumerate(requests, start=1) if r.operator == "reevo_crossover"]
    assert hints == [f"- hint {n}" for n in crossed[: len(hints)]]
    assert len(hints) > len(crossed) - 8


def test_a_hint_of_many_lines_is_one_line_of_bounded_length() -> None:
    def talk(_: int, request: Request) -> Mapping[str, Any]:
        text = "restart\n\n# often " + "x" * 5000
        return {"ratio": 0.9, "said": {"reevo_reflect": text}} if len(request.parents) > 1 else {"ratio": 0.8}

    requests = lead(ReEvo(**SMALL), archive(), talk, 8)
    lines = requests[7].told["hints"].split("\n")
    assert len(lines) == 4
    assert all(line.startswith("- restart # often x") and len(line) == MAX_HINT + 2 for line in lines)


def test_failures_count_as_trials_of_their_generation_and_leave_the_seeds_to_pair() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="builtin")))
    requests = lead(ReEvo(**SMALL), known, lambda *_: None, 9)
    assert parents(requests)[3:7] == [["builtin", ""]] * 4
    assert parents(requests)[7:9] == [["builtin"], ["builtin"]]


def test_something_new_is_asked_for_where_nothing_can_be_paired() -> None:
    requests = lead(ReEvo(**SMALL), archive(), lambda *_: None, 7)
    assert {request.operator for request in requests} == {"fresh"}


def test_with_proposals_under_way_the_first_that_are_in_can_be_paired() -> None:
    requests = lead(ReEvo(**SMALL), archive(), lambda n, _: 1 - n / 1000, 7, window=2)
    assert [request.operator for request in requests] == ["fresh"] * 3 + ["reevo_crossover"] * 4
    assert set(parents(requests)[3]) <= {"", "code 1", "code 2"}


def test_the_first_generation_takes_at_most_three_tenths_of_the_budget() -> None:
    requests = lead(ReEvo(), archive(horizon=20), lambda n, _: 1 - n / 1000, 20)
    assert [request.operator for request in requests].count("fresh") == 6


def test_proposals_are_raced_against_the_worst_of_the_population() -> None:
    known = archive()
    lead(ReEvo(**SMALL), known, lambda n, _: [0.5, 0.7, 0.6][n - 1], 3)
    assert known.incumbent.number == 2
