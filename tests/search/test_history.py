"""What happened to a run: interrupted, failed, refuted or killed, it is told, and nothing is kept twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Budget, Candidate, Measurement, Outcome, Trial
from slotforge.lineage.queries import runs, usage
from slotforge.lineage.store import SqlStore, open_store
from slotforge.prompts import tokens
from slotforge.search import novelty, numbering
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.embeddings import Embedding
from slotforge.search.observer import Silent
from slotforge.search.racing import geometric_mean_ratio
from slotforge.search.verdict import verdict
from slotforge.service.cli._driver import drive
from slotforge.testing import landscape
from slotforge.testing.hills import config


@pytest.mark.parametrize("fact", ["compiler", "flags", "engine"])
def test_a_run_measured_with_another_engine_is_not_gone_on_with(
    fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path / "s.db") as store:
        run = Discovery(config=config(budget=Budget(evals=2)), store=store).run().run
        monkeypatch.setattr(landscape.Landscape, "environment", lambda _: {fact: "another"})
        with pytest.raises(SlotforgeError, match=f"measured with {fact} unknown, and this is another"):
            Discovery(config=config(), store=store, run_id=run).run()


@pytest.mark.parametrize(
    ("changed", "value", "line"),
    [
        ("fingerprint", lambda: "new", r"asked with prompts \w+, and here it is new: .* go on with the templates"),
        (
            "embeddings.model",
            lambda: Embedding("mini", None),
            "asked with embeddings none, and here it is mini: .* set SLOTFORGE_EMBEDDINGS",
        ),
    ],
)
def test_a_run_that_asks_a_model_goes_on_with_the_same_questions_alone(
    changed: str, value: Callable[[], Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novelty, "judge", lambda: tokens.alike)
    with open_store(tmp_path / "s.db") as store:
        offline = Discovery(config=config(budget=Budget(evals=2)), store=store).run().run
        replayed = config(model=f"replay:{offline}", budget=Budget(evals=2))
        run = Discovery(config=replayed, store=store).run().run
        monkeypatch.setattr(f"slotforge.search.circumstances.{changed}", value)
        Discovery(config=config(budget=Budget(evals=3)), store=store, run_id=offline).run()
        with pytest.raises(SlotforgeError, match=line):
            Discovery(config=replayed, store=store, run_id=run).run()


class Stopper(Silent):
    """Ends the process, or interrupts it, where a stage begins."""

    def __init__(self, stage: str, stop: Callable[[], None]) -> None:
        self.stage = stage
        self.stop = stop

    def begin(self, what: str, total: int | None) -> None:  # noqa: ARG002
        if what.startswith(self.stage):
            self.stop()


def interrupt() -> None:
    raise KeyboardInterrupt


def history(store: SqlStore, run: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(event.kind, event.facts) for event in store.events(run)]


def test_a_run_goes_on_on_another_processor_and_its_verdicts_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path / "s.db") as store:
        job = Discovery(config=config(), store=store, observer=Stopper("searching", interrupt))
        with pytest.raises(KeyboardInterrupt):
            job.run()
        monkeypatch.setattr(landscape.Landscape, "environment", lambda _: {"processor": "another"})
        Discovery(config=config(), store=store, run_id=job.run_id).run()
        begun = store.run(job.run_id).environment
        assert (begun["landscape"], begun.get("processor")) == ("1", None)
        assert {held.environment["processor"] for held in store.verdicts(job.run_id)} == {"another"}


def test_what_a_run_ends_with_can_be_computed_again_from_the_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(), store=store).run()
        trials, used = store.trials(report.run), usage(store, report.run)
        winner, control, tuned = store.verdicts(report.run)
        suite = store.run(report.run).suite
    assert winner.verdict == verdict(winner.pairs) == report.holdout
    assert winner.candidate.id == report.best.candidate
    told, again = report.controls["best_builtin"], verdict(control.pairs)
    assert (control.candidate.id, again.ratio, again.low, again.high) == (
        told.candidate,
        told.ratio,
        told.low,
        told.high,
    )
    assert tuned.candidate.id == report.controls["tuned_baseline"].candidate
    for held in (winner, control, tuned):
        assert held.environment == {"landscape": "1"}
        assert {(p.candidate.instance, p.candidate.seed) for p in held.pairs} == {
            (instance.id, seed) for instance in suite.holdout for seed in (0, 1, 2)
        }
        assert {pair.candidate_first for pair in held.pairs} == {True, False}
        assert {run.build for pair in held.pairs for run in pair.runs} == {"fused"}
    reference = {m.instance: m for m in trials[0].selection}
    assert set(reference) == {instance.id for instance in suite.select}
    finalists = [t for number, t in trials.items() if number != 0 and number > numbering.ABLATION and t.selection]
    ratios = {t.number: geometric_mean_ratio(t.selection, reference) for t in finalists}
    best = min(ratios, key=lambda number: (ratios[number], number))
    assert (ratios[best], trials[best].candidate) == (report.best.ratio_select, winner.candidate)
    measured = sum(m.cpu_s for t in trials.values() for m in (*t.measurements, *t.selection))
    assert used.cpu_s == pytest.approx(measured + winner.cpu_s + control.cpu_s + tuned.cpu_s)
    assert report.cost.cpu_s == pytest.approx(used.cpu_s, abs=0.001)


@pytest.mark.parametrize(
    "stage", ["choosing", "holding the winner", "holding the best built-in", "holding the tuned", "taking the winner"]
)
def test_a_run_that_is_stopped_after_its_search_ends_as_if_it_had_not_been_and_keeps_nothing_twice(
    stage: str, tmp_path: Path
) -> None:
    with open_store(tmp_path / "whole.db") as store:
        whole = Discovery(config=config(), store=store).run()
        expected = (store.trials(whole.run), store.verdicts(whole.run))
    store_file = tmp_path / "parts.db"
    script = f"""
import os, signal
from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
class Killer(Silent):
    def begin(self, what, total):
        if what.startswith({stage!r}):
            os.kill(os.getpid(), signal.SIGKILL)
config = RunConfig.model_validate_json({config().model_dump_json()!r})
with open_store({str(store_file)!r}) as store:
    Discovery(config=config, store=store, observer=Killer()).run()
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    with open_store(store_file) as store:
        (run,) = (summary.id for summary in runs(store))
        again = Discovery(config=config(), store=store, run_id=run, observer=Stopper(stage, interrupt))
        with pytest.raises(KeyboardInterrupt):
            again.run()
        assert not any(trial.selection for trial in store.trials(run).values())
        opened = stage not in ("choosing", "holding the winner")
        assert store.verdicts(run) == expected[1][:opened]
        once = Stopper("holding the winner", pytest.fail) if opened else Silent()
        report = Discovery(config=config(), store=store, run_id=run, observer=once).run()
        trials = {number: t.model_copy(update={"run": whole.run}) for number, t in store.trials(run).items()}
        assert (trials, store.verdicts(run)) == expected
        assert history(store, run) == [
            ("started", {}),
            ("resumed", {}),
            ("interrupted", {"why": "stopped by SIGINT"}),
            ("resumed", {}),
            ("finished", {}),
        ]
    assert report == whole.model_copy(update={"run": run})


def test_a_winner_that_is_refuted_on_the_holdout_is_kept_with_what_refuted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, *arguments: Any, **options: Any) -> Measurement:
        made = right(self, candidate, *arguments, **options)
        bad = options["fused"] and len(candidate.slots) > 1
        return made.model_copy(update={"outcome": Outcome.WRONG, "reason": "as told"}) if bad else made

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(), store=store).run()
        winner, control = store.verdicts(report.run)
        ((_, facts),) = (event for event in history(store, report.run) if event[0] == "refuted")
    assert (winner.verdict, winner.environment) == (report.holdout, {"landscape": "1"})
    assert [(pair.candidate.outcome, pair.against.outcome) for pair in winner.pairs] == [("wrong", "solved")]
    assert (facts["candidate"], facts["outcome"], facts["build"]) == (winner.candidate.id, "wrong", "fused")
    assert facts["why"].startswith(f"candidate {winner.candidate.id} is refuted: WRONG on ")
    assert verdict(control.pairs) == control.verdict


def test_a_run_that_fails_says_so_and_why_in_its_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(landscape.Landscape, "measure", fail)
    whys = {}
    for error in (SlotforgeError("the disk is full\nand more"), ZeroDivisionError("division by zero")):
        with open_store(tmp_path / "s.db") as store:
            job = Discovery(config=config(), store=store)
            with pytest.raises(type(error)):
                job.run()
            whys[type(error)] = history(store, job.run_id)
            assert store.run(job.run_id).state == "failed"
    assert whys == {
        SlotforgeError: [("started", {}), ("failed", {"why": "the disk is full"})],
        ZeroDivisionError: [("started", {}), ("failed", {"why": "ZeroDivisionError: division by zero"})],
    }


@pytest.fixture
def interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take SIGINT as a process of the foreground does, or of the background of a shell."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize(
    ("number", "interrupts"),
    [
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_IGN),
    ],
    indirect=["interrupts"],
)
def test_a_signal_after_the_search_ends_the_command_with_the_line_to_go_on_with(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def choose(*_: object) -> None:
        os.kill(os.getpid(), number)
        await asyncio.sleep(30)

    monkeypatch.setattr(Discovery, "_choose", choose)
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended:
        drive(open_store(tmp_path / "s.db"), config(), as_json=True)
    assert (ended.value.code, signal.getsignal(number)) == (130, before)
    with open_store(tmp_path / "s.db") as store:
        (run,) = runs(store)
        assert (run.state, history(store, run.id)[-1][0]) == ("interrupted", "interrupted")
    assert capsys.readouterr().err.endswith(f"interrupted; go on with:  slotforge resume {run.id}\n")


def test_a_signal_ends_the_search_and_its_history_says_which(tmp_path: Path) -> None:
    class Signalled(Silent):
        def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
            os.kill(os.getpid(), signal.SIGTERM)

    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=config(), store=store, observer=Signalled()).run()
        assert report.state == "interrupted"
        assert history(store, report.run)[-1] == ("interrupted", {"why": "stopped by SIGTERM"})
