"""What was told of a run, as numbers in stretches and as a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import UsageError
from slotforge.core.types import Spending
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.views import runs
from slotforge.service.views.progress import LATE, Known, Numbers, Seen, news
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial

from ..conftest import Found
from .conftest import Scene, made

NUMBERS = st.lists(st.integers(-30, 60), max_size=60)


def seen_of(numbers: list[int], lines: list[int] = []) -> Seen:  # noqa: B006
    seen = Seen()
    for number in numbers:
        seen.trials.add(number)
    for line in lines:
        seen.add_line(line)
    return seen


@given(NUMBERS)
@settings(deadline=None)
def test_numbers_are_a_set_whatever_their_order(added: list[int]) -> None:
    found = seen_of(added).trials
    assert [number for number in range(-40, 70) if number in found] == sorted(set(added))
    assert len(found) == len(set(added))
    assert Numbers.read(str(found)) == found
    assert all(a[1] + 1 < b[0] for a, b in zip(found.stretches, found.stretches[1:], strict=False))


@given(NUMBERS, st.lists(st.integers(1, 1000), max_size=40))
@settings(deadline=None)
def test_what_was_seen_survives_as_a_text(numbers: list[int], lines: list[int]) -> None:
    seen = seen_of(numbers, lines)
    assert Seen.read(str(seen)) == seen
    assert all(line in seen.log for line in lines)
    first, last = seen.known.first, seen.known.last
    assert set(range(first, last + 1)) <= set(numbers)
    assert (0 in numbers) == (last >= first)


def test_the_text_stays_short_while_trials_end_nearly_in_order() -> None:
    seen = seen_of([*range(-20, 100_000), 100_003, 100_001], list(range(7, 90_000, 7)))
    assert str(seen).startswith("t-20:99999,100001,100003;e0:")
    assert len(str(seen)) < 50 + 8 * LATE


@pytest.mark.parametrize(
    "text",
    [
        "", "t", "t1", "t5:1;e", "t1:2,3;e", "t3,1;e", "t1;e1;", "tx;e", "t1;e\n", f"t{'1,3,' * 3000}9;e", "t0:9e9;e",
        f"t0:{2**31};e", f"t-{2**31};e", f"t;e0:{2**31}",
    ],
)  # fmt: skip
def test_a_text_that_was_not_written_here_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="no event id of a stream"):
        Seen.read(text)


def test_the_largest_numbers_of_a_text_can_be_looked_for_in_every_database(store: SqlStore) -> None:
    run = store.create_run(CONFIG, SUITE, {})
    store.record(sample_trial(run, 0))
    store.record_event(run, "started", {})
    most = 2**31 - 1
    seen = Seen.read(f"t-{most}:{most};e0:{most}")
    found = news(store, {run: seen.known})[run]
    assert (found.trials, found.log) == ((), ())


def test_news_are_what_is_not_known(scene: Scene) -> None:
    run, other = scene.run(), scene.run(seed=1)
    for number in (-1, 0, 1, 3):
        scene.trial(run, number, made(str(number)), ratio=0.5)
    scene.store.record_event(run, "started", {})
    found = news(scene.store, {run: Known(), other: Known(), "none": Known()})
    assert found.keys() == {run, other}
    assert [one.number for one in found[run].trials] == [-1, 0, 1, 3]
    assert [one.kind for one in found[run].log] == ["started"]
    assert (found[run].standing.state, found[run].spent.trials, found[run].spent.ratio) == ("running", 2, 0.5)
    assert (found[other].trials, found[other].log) == ((), ())
    seen = seen_of([-1, 0, 1, 3], [one.id for one in found[run].log])
    again = news(scene.store, {run: seen.known})[run]
    assert again.trials == ()
    scene.trial(run, 2, made("2"), ratio=0.4)
    assert [one.number for one in news(scene.store, {run: seen.known})[run].trials] == [2, 3]


def test_what_is_told_to_be_spent_is_what_lists_and_pages_tell(found: Found) -> None:
    with open_store(found.store) as store:
        run = found.report.run
        spent = news(store, {run: Known()})[run].spent
        line = next(one for one in runs.runs(store).items if one.id == run)
        used = runs.shown(store, run).usage
        assert (spent.trials, spent.ratio) == (line.trials, line.ratio)
        assert (spent.tokens, spent.usd, spent.seconds) == (used.tokens, used.usd, used.seconds)
        assert spent.cpu_s == pytest.approx(used.cpu_s)
        assert spent.cpu_s > sum(trial.cpu_s for trial in store.trials(run).values()), "there is more than trials"


def test_what_sessions_spent_is_told_in_plain_numbers(scene: Scene) -> None:
    run = scene.run()
    scene.trial(run, 0, made("0"), ratio=0.5)
    spending = Spending(seconds=2.5, tokens=30, usd=0.25)
    scene.store.record_spending(run, scene.store.open_session(run), spending)
    spent = news(scene.store, {run: Known()})[run].spent
    assert (spent.seconds, spent.tokens, spent.usd) == (2.5, 30, 0.25)
    assert type(spent.tokens) is int


def test_the_best_that_is_told_is_the_baseline_where_nothing_is_better(scene: Scene) -> None:
    run = scene.run()
    assert news(scene.store, {run: Known()})[run].spent.ratio is None
    scene.baseline(run, 9.0)
    scene.trial(run, -1, made("-1"), ratio=0.3)
    scene.trial(run, 1, made("1"), ratio=1.035)
    assert news(scene.store, {run: Known()})[run].spent.ratio == 1.0 == runs.runs(scene.store).items[0].ratio


def test_many_trials_come_in_parts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from slotforge.lineage.reads import progress

    monkeypatch.setattr(progress, "MOST", 3)
    run = scene.run()
    for number in range(5):
        scene.trial(run, number, None, reason="no")
    first = news(scene.store, {run: Known()})[run]
    assert ([one.number for one in first.trials], first.more) == ([0, 1, 2], True)
    rest = news(scene.store, {run: Known(after=2)})[run]
    assert ([one.number for one in rest.trials], rest.more) == ([3, 4], False)
