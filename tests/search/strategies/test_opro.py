"""OPRO: the trajectory shows the best last, in buckets, each idea once, and stays for some samples."""

from __future__ import annotations

import itertools
import re

from slotforge.core.types import Request, TrialState
from slotforge.search.strategies.opro import Opro

from .hand_made import archive, candidate, lead, trial


def scores(request: Request) -> list[int]:
    return [int(found) for found in re.findall(r"^score (\d+):", request.told["trajectory"], re.MULTILINE)]


def ideas(request: Request) -> list[str]:
    return re.findall(r"^score \d+: (.*)$", request.told["trajectory"], re.MULTILINE)


def idea(n: int, ratio: float, text: str | None = None) -> dict[str, object]:
    return {"ratio": ratio, "said": {"idea": text or f"idea {n}"}}


def test_scores_rise_to_the_best_which_comes_last_and_is_the_parent() -> None:
    known = archive()
    requests = lead(Opro(samples=1), known, lambda n, _: idea(n, 0.5 + (n * 7919) % 100 / 100), 60)
    for number, request in enumerate(requests, start=1):
        assert scores(request) == sorted(scores(request))
        best = min(known.trials[:number], key=lambda t: (t.ratio, t.number))
        assert request.parents == (best.candidate,)
        assert ideas(request)[-1] == (f"alpha: idea {best.number}" if best.number else "the solver as it ships")


def test_at_most_so_many_ideas_are_shown_and_these_are_the_best() -> None:
    requests = lead(Opro(samples=1, shown=5), archive(), lambda n, _: idea(n, 1 - n / 100), 60)
    assert ideas(requests[-1]) == [f"alpha: idea {n}" for n in range(55, 60)]


def test_some_samples_have_the_same_trajectory_parent_and_slot() -> None:
    requests = lead(Opro(samples=8), archive(slots=("alpha", "beta")), lambda n, _: idea(n, 1 - n / 100), 40)
    steps = [requests[begin : begin + 8] for begin in range(0, 40, 8)]
    assert all(request == step[0] for step in steps for request in step)
    assert all(one[0] != other[0] for one, other in itertools.pairwise(steps))


def test_an_idea_stands_there_once_with_its_best_score() -> None:
    outcomes = [idea(1, 0.9, "same"), idea(2, 0.8, "same"), idea(3, 0.95, "same"), idea(4, 1.0)]
    requests = lead(Opro(samples=1), archive(), lambda n, _: outcomes[n - 1], 4)
    assert ideas(requests[3]) == ["the solver as it ships", "alpha: same"]
    assert scores(requests[3]) == [100, 125]


def test_what_was_raced_out_counts_as_no_better_than_what_it_was_raced_against() -> None:
    outcomes = [
        {"ratio": 0.2, "state": TrialState.RACED_OUT, "said": {"idea": "lucky"}},
        {"ratio": 0.1, "state": TrialState.REJECTED, "said": {"idea": "a copy"}},
        {"ratio": None, "said": {"idea": "broken"}},
        idea(4, 1.0),
    ]
    known = archive(trial(-1, 0.5, candidate(alpha="x"), operator="builtin Luby"))
    requests = lead(Opro(samples=1), known, lambda n, _: outcomes[n - 1], 4)
    assert ideas(requests[3]) == ["the solver as it ships", "alpha: lucky", "alpha: builtin Luby"]
    assert scores(requests[3]) == [100, 200, 200]


def test_long_ideas_are_cut() -> None:
    requests = lead(Opro(samples=1), archive(), lambda n, _: idea(n, 0.9, "x" * 5000), 2)
    assert len(requests[1].told["trajectory"]) < 400
