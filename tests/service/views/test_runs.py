"""The list of runs, and one of them: whoever began it, and as it stands."""

from __future__ import annotations

import pytest

from slotforge.core.errors import UnknownId
from slotforge.core.types import Budget, RunConfig, TrialState
from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import Queue
from slotforge.service.views import costs, course, runs, trials
from slotforge.service.views.runs import RunState

from ..conftest import Found
from .conftest import Scene, made

CONFIG = RunConfig(domain="sat", instances=("tseitin:48",), budget=Budget(evals=5))


def test_the_list_shows_runs_of_the_command_line_and_searches_that_wait(scene: Scene) -> None:
    own = scene.run()
    job = Queue(scene.store).submit(CONFIG, owner="ann")
    found = {one.id: one for one in runs.runs(scene.store).items}
    assert set(found) == {own, job.id}
    assert (found[own].state, found[own].owner) == ("running", None)
    assert (found[job.id].state, found[job.id].owner, found[job.id].trials) == ("queued", "ann", 0)


def test_every_run_is_on_one_page_only_newest_first(scene: Scene) -> None:
    queue = Queue(scene.store)
    ids = {scene.run(seed=seed) for seed in range(4)} | {queue.submit(CONFIG, owner="ann").id for _ in range(3)}
    pages, after = [], None
    while True:
        page = runs.runs(scene.store, limit=2, after=after)
        pages += page.items
        if page.next is None:
            break
        after = page.next
    assert [one.started for one in pages] == sorted((one.started for one in pages), reverse=True)
    assert len(pages) == len(ids)
    assert {one.id for one in pages} == ids


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"states": [RunState.QUEUED]}, {"job"}),
        ({"states": [RunState.RUNNING]}, {"own"}),
        ({"states": [RunState.INTERRUPTED]}, {"dead"}),
        ({"states": [RunState.FINISHED]}, {"done"}),
        ({"states": [RunState.RUNNING, RunState.QUEUED]}, {"own", "job"}),
        ({"states": [RunState.CANCELLED]}, set()),
        ({"domain": "tsp"}, {"done"}),
        ({"domain": "sat"}, {"own", "dead", "job"}),
        ({"owner": "ann"}, {"job"}),
        ({"owner": "bob"}, set()),
        ({"text": "TSEITIN"}, {"job"}),
        ({"text": "funsearch"}, {"dead"}),
        ({"text": "100%"}, set()),
        ({"text": "_"}, {"own", "dead", "done", "job"}),  # one that is in the settings, and no wildcard
        ({"text": "dom_in"}, set()),
    ],
)
def test_the_list_is_filtered_by_state_domain_owner_and_text(
    scene: Scene, wanted: dict[str, object], found: set[str]
) -> None:
    ids = {scene.run(): "own", scene.run(strategy="funsearch"): "dead", scene.run(domain="tsp"): "done"}
    names = {name: id_ for id_, name in ids.items()}
    scene.store.finish(names["done"], "finished", {"trials": 3})
    abandon(scene, names["dead"])
    ids[Queue(scene.store).submit(CONFIG, owner="ann").id] = "job"
    assert {ids[one.id] for one in runs.runs(scene.store, **wanted).items} == found  # type: ignore[arg-type]


def test_the_list_says_what_the_page_of_a_run_says_whatever_an_earlier_report_did(scene: Scene) -> None:
    run = scene.run()
    scene.baseline(run, 9.0)
    scene.trial(run, -1, made("-1"), ratio=0.3)
    scene.trial(run, 1, made("1"), ratio=1.035)
    assert listed(scene) == (1, 1.0)
    scene.trial(run, 2, made("2"), ratio=0.605)
    scene.store.finish(run, "interrupted", {"trials": 1, "best": {"ratio_search": 1.0}})
    assert listed(scene) == (2, 0.605)
    assert course.curve(scene.store, run).steps[-1][1] == 0.605


def listed(scene: Scene) -> tuple[int, float | None]:
    (line,) = runs.runs(scene.store).items
    return line.trials, line.ratio


def test_the_list_counts_the_cpu_time_that_the_page_of_a_run_counts(found: Found) -> None:
    with open_store(found.store) as store:
        run = found.report.run
        used = runs.shown(store, run).usage
        assert costs.costs(store, [run])[run].cpu_s == pytest.approx(used.cpu_s)
        assert used.cpu_s > sum(trial.cpu_s for trial in store.trials(run).values()), "there is more than trials"


def test_the_list_has_no_verdict_where_nothing_was_measured_for_it(scene: Scene) -> None:
    for instances, told in ((0, None), (3, "worse")):
        run = scene.run(seed=instances)
        scene.store.finish(run, "finished", {"holdout": {"verdict": "worse", "instances": instances}})
        assert {one.id: one.verdict for one in runs.runs(scene.store).items}[run] == told


def test_trials_are_listed_from_either_end(scene: Scene) -> None:
    run = scene.run()
    for number in (-2, -1, 0, 1, 2):
        scene.trial(run, number, made(str(number)), ratio=1.0)
    first = trials.trials(scene.store, run, newest=True, limit=3)
    rest = trials.trials(scene.store, run, newest=True, after=first.items[-1].number)
    assert [[one.number for one in part.items] for part in (first, rest)] == [[2, 1, 0], [-1, -2]]


def test_a_search_that_waits_is_shown_by_its_whole_id(scene: Scene) -> None:
    job = Queue(scene.store).submit(CONFIG, owner="ann")
    assert runs.run_id(scene.store, job.id) == job.id
    shown = runs.shown(scene.store, job.id)
    assert (shown.run.state, shown.run.config, shown.states, shown.curve) == ("queued", CONFIG, {}, ())
    with pytest.raises(UnknownId, match="no run"):
        runs.run_id(scene.store, "feedfeed")


def test_the_curve_is_what_was_best_when_it_was_made_without_controls_and_failures(scene: Scene) -> None:
    run = scene.run()
    for number, ratio in ((-1, 0.1), (0, 1.0), (1, 1.2), (2, 0.9), (3, None), (4, 0.95), (5, 0.9), (6, 0.8)):
        scene.trial(run, number, made(str(number)), ratio=ratio)
    scene.trial(run, 7, made("7"), ratio=0.2, state=TrialState.RACED_OUT)
    assert course.curve(scene.store, run) == course.Curve(last=7, steps=((0, 1.0), (2, 0.9), (6, 0.8)))
    assert course.scored(scene.store, run) == ((0, 1.0), (1, 1.2), (2, 0.9), (4, 0.95), (5, 0.9), (6, 0.8))
    assert course.curves(scene.store, (run, "none")).keys() == {run}


def test_failures_are_counted_by_reason_the_most_frequent_first(scene: Scene) -> None:
    run = scene.run()
    for number, reason in enumerate(("rare", "often", "often", "twice", "often", "twice"), 1):
        scene.trial(run, number, None, reason=reason)
    scene.trial(run, 9, None, reason="wrong", state=TrialState.WRONG)
    scene.trial(run, -1, None, reason="a control")
    assert list(course.failures(scene.store, run)["failed"].items()) == [("often", 3), ("twice", 2), ("rare", 1)]
    assert course.failures(scene.store, run, most=1) == {"failed": {"often": 3}, "wrong": {"wrong": 1}}
    assert course.tried(scene.store, run) == {"failed": 6, "wrong": 1}


def test_the_log_is_read_from_its_end(scene: Scene) -> None:
    run, other = scene.run(), scene.run(seed=1)
    for number in range(5):
        scene.store.record_event(run, f"event{number}", {"why": "so"})
        scene.store.record_event(other, "other", {})
    first = course.log(scene.store, run, limit=3)
    assert [one.kind for one in first.items] == ["event4", "event3", "event2"]
    assert first.next is not None
    rest = course.log(scene.store, run, limit=3, after=int(first.next[0] or 0))
    assert ([one.kind for one in rest.items], rest.next) == (["event1", "event0"], None)


def abandon(scene: Scene, run: str) -> None:
    """Let a run stand as one whose process was killed."""
    from sqlalchemy import update

    from slotforge.lineage.schema import Run

    with scene.store.writing() as connection:
        connection.execute(update(Run).where(Run.id == run).values(driver=None))
