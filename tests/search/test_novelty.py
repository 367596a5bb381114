"""Novelty: what is known of when a trial is asked for decides, whoever is checked first."""

from __future__ import annotations

from itertools import permutations

from slotforge.core.types import Candidate, Trial, TrialState
from slotforge.search.novelty import Novelty

CODE = "double worth(double x) {{ return x * {factor} + glue; }}"


def lost(number: int, factor: str) -> Trial:
    candidate = Candidate(domain="d", slots={"s": CODE.format(factor=factor)})
    return Trial(
        run="r",
        number=number,
        operator="o",
        slots=("s",),
        parents=(),
        state=TrialState.RACED_OUT,
        candidate=candidate,
        ratio=2.0,
        instances=4,
    )


def test_what_a_trial_may_not_know_of_does_not_refuse_it_in_whatever_order_trials_are_checked() -> None:
    candidate = Candidate(domain="d", slots={"s": CODE.format(factor="size")})
    answers = set()
    for order in permutations([(5, 1), (6, 2), (8, 4)]):
        novelty = Novelty(threshold=0.9, language="cpp")
        for trial in (lost(1, "age"), lost(4, "size")):
            novelty.tell(trial)
        said = {number: novelty.refusal(candidate, ("s",), last) for number, last in order}
        answers.add(tuple(sorted((number, text or "") for number, text in said.items())))
    (only,) = answers
    assert [bool(text) for _, text in only] == [False, False, True]
    assert "trial 4" in only[2][1]
