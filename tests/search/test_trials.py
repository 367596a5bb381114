"""Old trials are packed away, and nothing of them is lost."""

from __future__ import annotations

import sys

import pytest

from slotforge.core.types import Candidate, Measurement, Outcome, Trial, TrialState
from slotforge.search.archive import Archive
from slotforge.search.trials import BLOCK, RECENT, Trials

LENGTH = 3 * RECENT


def trial(number: int, ratio: float | None = 1.0, source: str | None = None) -> Trial:
    candidate = Candidate(domain="d", slots={"s": source or f"// {number}"} if number else {})
    measured = Measurement(
        candidate=candidate.id,
        instance="i",
        family="f",
        seed=1,
        outcome=Outcome.SOLVED,
        cost=1e6 / 3 + number,
        cpu_s=0.1,
        stats={"conflicts": number / 7},
    )
    return Trial(
        run="r",
        number=number,
        operator="mutate",
        slots=("s",),
        parents=(),
        state=TrialState.SCORED if ratio is not None else TrialState.FAILED,
        reason="" if ratio is not None else "it failed",
        candidate=candidate,
        ratio=ratio,
        measurements=(measured,) * 4,
        said={"idea": f"idea {number}"},
    )


@pytest.fixture(scope="module")
def long() -> tuple[list[Trial], Trials]:
    made = [trial(number) for number in range(LENGTH)]
    trials = Trials(made[0])
    for one in made[1:]:
        trials.append(one)
    return made, trials


def test_a_trial_is_the_same_however_old_it_is(long: tuple[list[Trial], Trials]) -> None:
    made, trials = long
    assert len(trials) == LENGTH
    assert list(trials) == made


@pytest.mark.parametrize(
    "part", [slice(None), slice(-4, None), slice(5, 9), slice(None, None, 50), slice(9, 2), slice(LENGTH, 5, -7)]
)
def test_slices_are_those_of_a_list(part: slice, long: tuple[list[Trial], Trials]) -> None:
    made, trials = long
    assert trials[part] == made[part]


def test_places_are_those_of_a_list(long: tuple[list[Trial], Trials]) -> None:
    made, trials = long
    assert (trials[-1], trials[-LENGTH]) == (made[-1], made[0])
    with pytest.raises(IndexError):
        trials[LENGTH]


def test_an_old_trial_takes_a_fraction_of_its_size(long: tuple[list[Trial], Trials]) -> None:
    _, trials = long
    sizes = [sys.getsizeof(packed) / BLOCK for packed in trials._packed]
    assert sizes
    assert max(sizes) < 300


def test_the_best_are_found_among_old_and_new_trials_and_builtin_policies() -> None:
    archive = Archive(slots=("s",), baseline=trial(0))
    archive.begin_with([trial(-1, 0.9, "built in"), trial(-2, 1.2, "slower")])
    assert archive.raced_before == 2
    ratios = [1.0 + ((number * 37) % 101) / 100 for number in range(1, LENGTH)]
    for number, ratio in enumerate(ratios, 1):
        archive.add(trial(number, None if number % 5 == 0 else ratio))
    archive.add(trial(LENGTH, 0.5, "built in"))  # measured before: the first time counts
    known = {n: r for n, r in enumerate(ratios, 1) if n % 5} | {-1: 0.9, -2: 1.2}
    expected = sorted(known, key=lambda n: (known[n], n))[:40]
    assert [one.number for one in archive.best(40)] == expected
    assert archive.measured(Candidate(domain="d", slots={"s": "built in"})) == trial(-1, 0.9, "built in")
    failed = (LENGTH - 1) // 5
    assert archive.states == {TrialState.SCORED: LENGTH - failed, TrialState.FAILED: failed}
    assert [t.number for t in archive.failures(("s",), 2)] == [LENGTH - 5, LENGTH - 10]
