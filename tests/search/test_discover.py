"""The main job on a landscape: seeds decide, workers do not, and nothing that stops it changes the outcome."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.random import Generator

from slotforge.core.errors import BuildError, SlotforgeError, UsageError, WorkerLost
from slotforge.core.types import Budget, Candidate, Measurement, Outcome, Request, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.best import best
from slotforge.lineage.queries import runs, usage
from slotforge.lineage.store import open_store
from slotforge.search import numbering, worker
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.search.strategies.one_plus_lambda import OnePlusLambda
from slotforge.testing import landscape
from slotforge.testing.hills import archive, config, discover


def test_a_search_improves_the_landscape(tmp_path: Path) -> None:
    report, _ = discover(tmp_path / "s.db", config(budget=Budget(evals=60)))
    assert report.holdout is not None
    assert report.holdout.verdict == "better"
    assert report.holdout.ratio < 0.8


def test_worker_processes_reach_the_archive_that_one_process_reaches(tmp_path: Path) -> None:
    inline = discover(tmp_path / "1.db", config())
    processes = discover(tmp_path / "2.db", config(executor="process"))
    assert inline[1] == processes[1]


def test_the_budget_of_evaluations_is_met_and_not_passed(tmp_path: Path) -> None:
    report, trials = discover(tmp_path / "s.db", config(budget=Budget(evals=7)))
    assert report.trials == 7
    assert max(trials) == 7


def test_a_run_that_is_interrupted_again_and_again_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    class Impatient(Silent):
        """Interrupts the search after some trials."""

        def __init__(self) -> None:
            self.left = 5

        def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
            self.left -= 1
            if self.left == 0 and trial.number < 20:
                raise KeyboardInterrupt

    whole, expected = discover(tmp_path / "whole.db", config())
    with open_store(tmp_path / "parts.db") as store:
        run, rounds = "", 0
        report = None
        while not run or store.run(run).state != "finished":
            rounds += 1
            job = Discovery(config=config(), store=store, observer=Impatient() if rounds < 4 else Silent(), run_id=run)
            try:
                report = job.run()
            except KeyboardInterrupt:
                run = job.run_id
                continue
            run = report.run
        assert rounds == 4
        assert archive(store.trials(run)) == expected
    assert report.best == whole.best
    assert report.holdout is not None
    assert whole.holdout is not None
    assert report.holdout.ratio == whole.holdout.ratio


def test_a_raced_trial_names_the_incumbent_as_it_stood_when_the_trial_was_asked_for(tmp_path: Path) -> None:
    incumbents: dict[int, int] = {}

    class Watching(Silent):
        def told(self, trial: Trial, archive: Archive) -> None:
            incumbents[trial.number] = archive.incumbent.number

    made = config(budget=Budget(evals=40))
    with open_store(tmp_path / "s.db") as store:
        trials = store.trials(Discovery(config=made, store=store, observer=Watching()).run().run)
    raced = {number: trial for number, trial in trials.items() if number > 0 and trial.instances}
    before = {trials[number].against for number in raced if number <= made.window}
    first = min(
        (t for n, t in trials.items() if numbering.LIBRARY < n <= 0 and t.scored), key=lambda t: (t.ratio, -t.number)
    )
    assert before == {first.number}
    later = {number: trial.against for number, trial in raced.items() if number > made.window}
    assert later == {number: incumbents[number - made.window] for number in later}
    assert len(set(later.values())) > 2
    assert {trial.against for trial in trials.values() if not trial.instances} <= {None}
    assert trials[0].against is None


DRIVER = """
import sys
from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from pathlib import Path
if __name__ == "__main__":
    config = RunConfig.model_validate_json(Path(sys.argv[2]).read_text())
    with open_store(sys.argv[1]) as store:
        job = Discovery(config=config, store=store, run_id=sys.argv[3])
        print(job.run().state)
"""


def test_a_run_that_is_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    made = config(executor="process", budget=Budget(evals=80), options={"per_family": 40})
    _, expected = discover(tmp_path / "whole.db", made)
    script, settings, store_file = tmp_path / "driver.py", tmp_path / "config.json", tmp_path / "killed.db"
    script.write_text(DRIVER)
    settings.write_text(made.model_dump_json())
    rng = random.Random(0)
    run = ""
    for kill in range(12):
        job = subprocess.Popen(
            [sys.executable, str(script), str(store_file), str(settings), run],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if kill < 11:
            time.sleep(rng.uniform(0.5, 3.0))
            job.kill()
        output = job.communicate()[0].decode()
        if store_file.exists():
            with open_store(store_file) as store:
                run = run or next((r.id for r in _runs(store)), "")
        if job.returncode == 0:
            break
    assert job.returncode == 0, output
    with open_store(store_file) as store:
        assert len(_runs(store)) == 1
        assert archive(store.trials(run)) == expected


def _runs(store: object) -> tuple[object, ...]:

    return runs(store)  # type: ignore[arg-type, return-value]


def test_unknown_slots_and_strategies_are_named_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="alpha, beta, gamma"):
        discover(tmp_path / "s.db", config(slots=("nonsense",)))
    with pytest.raises(UsageError, match="one_plus_lambda"):
        discover(tmp_path / "s.db", config(strategy="nonsense"))


def test_failures_are_kept_with_their_reasons_and_do_not_end_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = iter(["wrong", "crash", "loop", "broken", "2.5"] * 10)

    def vary(self: landscape.Landscape, request: Request, rng: object) -> dict[str, str]:  # noqa: ARG001
        source = next(bad)
        return dict.fromkeys(request.slots, source)

    monkeypatch.setattr(landscape.Landscape, "vary", vary)
    report, trials = discover(tmp_path / "s.db", config(budget=Budget(evals=10), window=1))
    states = {state for number, (_, state, *_) in trials.items() if number > 0}
    assert states >= {TrialState.WRONG, TrialState.FAILED, TrialState.TIMEOUT, TrialState.REJECTED}
    assert all(reason for number, (_, _, _, reason, *_) in trials.items() if number > 0)
    assert report.best.policies  # no proposal is the best


def test_the_search_begins_from_the_best_built_in_policy_and_pays_for_none_of_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["0.75", "0.25"] * 10)

    def vary(self: landscape.Landscape, request: Request, rng: object) -> dict[str, str]:  # noqa: ARG001
        return {"alpha": next(answers)}

    monkeypatch.setattr(landscape.Landscape, "vary", vary)
    report, trials = discover(tmp_path / "s.db", config(slots=("alpha",), budget=Budget(evals=6), strategy="random"))
    low, high = trials[-1], trials[-2]  # the optimum of alpha is 0.9
    assert high[1] is TrialState.CONFIRMED
    assert low[1] in (TrialState.SCORED, TrialState.RACED_OUT)
    repeated = [reason for number, (_, _, _, reason, *_) in trials.items() if number > 0]
    assert repeated == ["the same as a built-in policy that was raced before the search"] * 6
    assert report.best.candidate == high[0]
    climbing, trials = discover(tmp_path / "c.db", config(slots=("alpha",), budget=Budget(evals=2)))
    assert trials[1][4] == (high[0],)
    assert climbing.trials == 2


def test_a_winner_that_is_a_built_in_policy_is_its_own_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape.Landscape, "vary", lambda _self, _request, _rng: {"alpha": "broken"})
    report, _ = discover(tmp_path / "s.db", config(slots=("alpha",), budget=Budget(evals=2)))
    control = report.controls["best_builtin"]
    assert report.holdout is not None
    assert (control.candidate, control.ratio) == (report.best.candidate, report.holdout.ratio)


def test_when_the_time_is_over_nothing_is_waited_for_and_the_verdict_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builtin = {"0.25", "0.75"}

    async def slow(_: object, function: Callable[..., object], *arguments: Any) -> object:
        tasks = arguments[0] if function is worker.measure else ()
        if any(not builtin >= set(task.candidate.slots.values()) for task in tasks):
            await asyncio.sleep(300)
        return function(*arguments)

    monkeypatch.setattr("slotforge.search.executors.inline.Inline.submit", slow)
    begin = time.monotonic()
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(budget=Budget(time_s=2.0)), store=store).run()
        spent = usage(store, report.run).seconds
    assert 2.0 <= spent <= time.monotonic() - begin < 200
    assert (report.state, report.trials) == ("finished", 0)
    assert report.holdout is not None


class Noting(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize(("budget", "said"), [(Budget(evals=9, time_s=1e-3), True), (Budget(evals=9), False)])
def test_a_search_whose_time_is_over_before_its_first_question_says_so(
    tmp_path: Path, budget: Budget, said: bool
) -> None:
    observer = Noting()
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(budget=budget), store=store, observer=observer).run()
    assert report.trials == (0 if said else 9)
    assert ("the time is over" in observer.notes) is said


@pytest.mark.parametrize(
    "stage",
    [
        "choosing among the finalists",
        "holding the winner",
        "holding the best built-in policy",
        "tuning the numbers of the baseline",
        "holding the tuned baseline",
        "taking the winner apart",
    ],
)
def test_a_worker_that_is_lost_at_the_end_says_nothing_of_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    made = config(budget=Budget(evals=20))
    whole, expected = discover(tmp_path / "whole.db", made)

    class Watching(Silent):
        """Knows which stage it is."""

        now = ""

        def begin(self, what: str, total: int | None) -> None:  # noqa: ARG002
            self.now = what

    watching, lost = Watching(), 0

    async def submit(_: object, function: Callable[..., object], *arguments: Any) -> object:
        nonlocal lost
        first = arguments[0][0].candidate if function is worker.measure else arguments[0]
        if watching.now.startswith(stage) and first.slots and not lost:
            lost += 1
            raise WorkerLost("a worker process was killed")
        return function(*arguments)

    monkeypatch.setattr("slotforge.search.executors.inline.Inline.submit", submit)
    with open_store(tmp_path / "s.db") as store:
        job = Discovery(config=made, store=store, observer=watching)
        with pytest.raises(WorkerLost):
            job.run()
        again = Discovery(config=made, store=store, observer=watching, run_id=job.run_id).run()
        assert archive(store.trials(again.run)) == expected
    assert (lost, again.best, again.controls, again.ablation) == (1, whole.best, whole.controls, whole.ablation)


def test_a_trial_that_the_budget_cut_short_does_not_hide_those_recorded_after_it(tmp_path: Path) -> None:
    made = config(budget=Budget(evals=12))
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=made, store=store).run().run
        trials = store.trials(run)
    with open_store(tmp_path / "gap.db") as store:
        copy = store.create_run(made, _suite(made), {})
        for number, trial in trials.items():
            if number != 10:
                store.record(trial.model_copy(update={"run": copy}))
        again = Discovery(config=config(budget=Budget(evals=9)), store=store, run_id=copy).run()
    assert again.trials == 11


def _suite(made: RunConfig) -> Suite:
    return landscape.Landscape().suite(made.instances, seed=made.seed, options=made.options)


@pytest.mark.filterwarnings("ignore")
def test_ray_workers_reach_the_archive_that_one_process_reaches_however_little_memory_this_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape.Landscape, "memory_mb", 10**9)
    inline = discover(tmp_path / "1.db", config(budget=Budget(evals=10)))
    ray = discover(tmp_path / "2.db", config(budget=Budget(evals=10), executor="ray"))
    assert inline[1] == ray[1]


def test_the_state_of_a_search_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    few = discover(tmp_path / "1.db", config(executor="process", workers=1))
    many = discover(tmp_path / "2.db", config(executor="process", workers=3))
    assert few[1] == many[1]


def test_the_ratio_of_a_search_is_the_one_that_best_gives_of_its_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape, "NOISE", 1.0)  # some runs of candidates that are measured in full are cut
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=config(instances=("a",), strategy="random"), store=store).run().run
        scored = [t for t in store.trials(run).values() if t.scored]
        assert any(m.outcome is Outcome.LIMIT for t in scored for m in t.measurements)
        overall = {b.candidate: b.ratio for b in best(store, landscape.NAME, limit=100) if b.low is None}
        family = {b.candidate: b.ratio for b in best(store, landscape.NAME, family="a", limit=100) if b.low is None}
    assert overall
    assert {one: family[one] for one in overall} == pytest.approx(overall)


def test_no_more_built_in_policies_race_than_proposals_may_be_tried(tmp_path: Path) -> None:
    _, trials = discover(tmp_path / "s.db", config(budget=Budget(evals=1)))
    assert sorted(trials) == [-1, 0, 1]


def test_too_few_instances_are_said_before_the_search(tmp_path: Path) -> None:
    observer = Noting()
    small = config(instances=("a",), budget=Budget(evals=1), options={"per_family": 5})
    report, _ = discover(tmp_path / "s.db", small, observer=observer)
    assert observer.notes[0].startswith("2 instances to compare on: with fewer than 6 no difference can reach p < 0.05")
    assert report.holdout is not None
    assert report.holdout.verdict == "no difference"


def test_a_path_that_a_worker_cannot_see_is_named(tmp_path: Path) -> None:
    from slotforge.core.types import Instance
    from slotforge.search import worker

    instance = Instance(id="x", name="gone.cnf", family="f", path=str(tmp_path / "gone.cnf"))
    task = worker.Task(candidate=Candidate(domain=landscape.NAME), instance=instance, seed=0)
    with pytest.raises(SlotforgeError, match="all nodes share"):
        worker.measure((task,))


def test_a_time_out_of_the_machine_is_no_end_of_the_time_of_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, *arguments: Any, **options: Any) -> Measurement:
        if not {"0.25", "0.75"} >= set(candidate.slots.values()):
            raise TimeoutError(110, "Connection timed out")
        return right(self, candidate, *arguments, **options)

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    with pytest.raises(TimeoutError, match="Connection timed out"):
        discover(tmp_path / "s.db", config())


def test_a_finalist_that_cannot_be_deployed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = landscape.Landscape.measure
    asked: list[str] = []

    def measure(self: landscape.Landscape, candidate: Candidate, *arguments: Any, **options: Any) -> Measurement:
        if options["fused"] and candidate.slots and (not asked or candidate.id == asked[0]):
            asked.append(candidate.id)
            raise BuildError("too many initializers")
        return right(self, candidate, *arguments, **options)

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    report, _ = discover(tmp_path / "s.db", config())
    assert report.state == "finished"
    assert report.best.candidate not in ("", *asked)
    assert report.holdout is not None
    assert report.holdout.instances > 0


@pytest.mark.parametrize(("window", "evals"), [(1, 5), (4, 30), (8, 5)])
def test_the_report_tells_how_many_trials_each_was_proposed_without_knowing_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, evals: int
) -> None:
    missed: list[int] = []
    ask = OnePlusLambda.ask

    def watched(self: OnePlusLambda, archive: Archive, rng: Generator) -> Request:
        missed.append(len(missed) + 1 - len(archive.trials))
        return ask(self, archive, rng)

    monkeypatch.setattr(OnePlusLambda, "ask", watched)
    report, _ = discover(tmp_path / "s.db", config(budget=Budget(evals=evals), window=window))
    assert report.staleness is not None
    assert len(missed) == evals
    assert report.staleness.mean == pytest.approx(sum(missed) / evals, abs=1e-3)
    assert (report.staleness.most, report.staleness.bound) == (max(missed), window)
