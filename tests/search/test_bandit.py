"""The bandit: unseen arms first, pulls count when sent, gains and costs decide, and the same seed draws the same."""

from __future__ import annotations

from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Trial, TrialState
from slotforge.search.archive import Archive
from slotforge.search.bandit import Bandit, Gains
from slotforge.search.strategies._operators import OperatorBandit


def play(bandit: Bandit, gains: list[float], costs: list[float], *, pulls: int = 200, window: int = 4) -> Counter[int]:
    """Pull with so many under way; an arm gains its number in every fifth pull. Return how often each was pulled."""
    under_way: deque[int] = deque()
    pulled: Counter[int] = Counter()
    for number in range(pulls):
        if len(under_way) == window:
            arm = under_way.popleft()
            bandit.tell(arm, gains[arm] * (generator(1, number).random() < 0.2), costs[arm])
        under_way.append(bandit.choose(generator(0, number)))
        pulled[under_way[-1]] += 1
    return pulled


def test_every_arm_is_pulled_before_any_is_pulled_twice() -> None:
    bandit = Bandit(size=5)
    assert sorted(bandit.choose(generator(n)) for n in range(5)) == [0, 1, 2, 3, 4]


def test_pulls_count_when_they_are_sent_so_that_none_is_left_waiting_for_what_is_under_way() -> None:
    bandit = Bandit(size=3, epsilon=0)
    sent = Counter(bandit.choose(generator(n)) for n in range(30))
    assert set(sent.values()) == {10}


def test_the_arm_that_gains_most_is_pulled_most() -> None:
    pulled = play(Bandit(size=3), [0.1, 1.0, 0.1], [0, 0, 0])
    assert pulled[1] > 100


def test_of_arms_that_gain_alike_the_cheap_one_is_pulled_most_and_cost_can_be_ignored() -> None:
    assert play(Bandit(size=2), [0.5, 0.5], [0.01, 0.05])[0] > 120
    assert 60 < play(Bandit(size=2, thrift=0), [0.5, 0.5], [0.01, 0.05])[0] < 140


def test_an_arm_that_costs_nothing_does_not_take_all_credit_from_the_others() -> None:
    bandit = Bandit(size=3, epsilon=0)
    for number in range(90):
        bandit.arms[number % 3].pulls += 1
        bandit.tell(number % 3, 0, (0.0, 0.01, 0.1)[number % 3])
    free, cheap, dear = bandit.scores()
    assert free > cheap > dear > 0
    assert play(Bandit(size=2), [0.0, 1.0], [0.0, 0.01])[1] > 80


def test_an_arm_that_stops_gaining_is_left() -> None:
    bandit = Bandit(size=2, epsilon=0, thrift=0)
    for _ in range(2):
        bandit.choose(generator(0))
    for _ in range(20):
        bandit.arms[0].pulls = bandit.arms[1].pulls = 50
        bandit.tell(0, 1.0)
        bandit.tell(1, 0.2)
    before = bandit.scores()
    for _ in range(40):
        bandit.tell(0, 0.0)
    after = bandit.scores()
    assert before[0] > before[1]
    assert after[1] > after[0]


def test_a_constant_gain_does_not_fade() -> None:
    bandit = Bandit(size=2)
    for _ in range(100):
        bandit.tell(0, 3.0)
        bandit.tell(1, 1.0)
    assert bandit.arms[0].mean_gain == pytest.approx(3.0)
    assert bandit.arms[1].mean_gain == pytest.approx(1.0)


def test_a_pull_of_unknown_cost_makes_its_arm_neither_cheap_nor_dear() -> None:
    bandit = Bandit(size=3)
    for place, cost in enumerate((None, 0.5, 0.5)):
        bandit.arms[place].pulls = 1
        bandit.tell(place, 0.0, cost)
    assert len(set(bandit.scores())) == 1


events = st.lists(st.tuples(st.booleans(), st.floats(0, 1e6), st.none() | st.floats(0, 10)), max_size=60)


@settings(deadline=None)
@given(size=st.integers(1, 5), events=events, thrift=st.floats(0, 1))
def test_whatever_happens_every_draw_is_an_arm_and_repeats(size, events, thrift) -> None:
    def run() -> tuple[list[int], Bandit]:
        bandit, out, drawn = Bandit(size=size, thrift=thrift), deque[int](), list[int]()
        for number, (choose, gain, cost) in enumerate(events):
            if choose or not out:
                drawn.append(bandit.choose(generator(number)))
                out.append(drawn[-1])
            else:
                bandit.tell(out.popleft(), gain, cost)
        return drawn, bandit

    drawn, bandit = run()
    assert all(0 <= arm < size for arm in drawn)
    assert drawn == run()[0]
    assert all(arm.pulls >= arm.told >= 0 for arm in bandit.arms)
    if all(arm.pulls for arm in bandit.arms):
        assert all(0 <= score < 10 for score in bandit.scores())


def trial(number: int, ratio: float | None, parents: tuple[Candidate, ...] = (), state=TrialState.SCORED) -> Trial:
    return Trial(
        run="r",
        number=number,
        operator="mutate",
        slots=("a",),
        parents=tuple(parent.id for parent in parents),
        state=state,
        candidate=Candidate(domain="toy", slots={"a": str(number)}),
        ratio=ratio,
    )


def test_a_trial_gains_what_it_improves_on_the_best_of_its_parents_and_the_start() -> None:
    archive = Archive(slots=("a",), baseline=trial(0, 1.0))
    archive.begin_with([trial(-1, 0.8)])
    good, bad = trial(1, 0.5), trial(2, 2.0)
    gains = Gains()
    assert gains.of(archive, good) == pytest.approx(0.8 / 0.5 - 1)  # of the built-in policy that it began from
    assert gains.of(archive, bad) == 0
    assert gains.of(archive, trial(3, 0.4, (good.candidate,))) == pytest.approx(0.25)
    assert gains.of(archive, trial(4, 0.6, (bad.candidate,))) == pytest.approx(0.8 / 0.6 - 1)
    assert gains.of(archive, trial(5, 0.45, (good.candidate, bad.candidate))) == pytest.approx(0.5 / 0.45 - 1)
    assert gains.of(archive, trial(6, 0.1, state=TrialState.RACED_OUT)) == 0
    assert gains.of(archive, trial(7, None, state=TrialState.FAILED)) == 0


def test_only_arms_that_are_allowed_are_drawn() -> None:
    bandit = Bandit(size=4)
    drawn = [bandit.choose(generator(n), (1, 3)) for n in range(40)]
    assert set(drawn) == {1, 3}
    assert set(drawn[:2]) == {1, 3}
    assert [arm.pulls for arm in bandit.arms][::2] == [0, 0]
    assert {bandit.choose(generator(n)) for n in range(2)} == {0, 2}


def test_the_operator_whose_trials_gain_is_asked_for_most() -> None:
    archive = Archive(slots=("a",), baseline=trial(0, 1.0))
    operators = OperatorBandit(("e1", "m1", "m2"))
    drawn: Counter[str] = Counter()
    last = archive.baseline
    for number in range(1, 121):
        name = operators.choose(("e1", "m1", "m2"), generator(number))
        drawn[name] += 1
        made = trial(number, last.ratio * (0.98 if name == "m1" else 1.0), (last.candidate,))
        operators.tell(archive, made.model_copy(update={"operator": name}))
        last = made
    assert drawn["m1"] > 60
    operators.tell(archive, trial(121, 0.01).model_copy(update={"operator": "another"}))
