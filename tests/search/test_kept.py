"""What is measured after the search is kept as it comes: an interruption there costs what was under way alone."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.core.types import Budget, Candidate, Instance, Measurement, Outcome, Suite
from slotforge.lineage.queries import runs, usage
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.judge import Judge
from slotforge.search.kept import Kept
from slotforge.search.report import Report
from slotforge.search.worker import Block, measure
from slotforge.testing.hills import config
from slotforge.testing.landscape import Landscape
from slotforge.testing.memory import MemoryStore

CONFIG = config(budget=Budget(evals=12), options={"per_family": 15})
PIECE = len(Landscape().suite(CONFIG.instances, seed=CONFIG.seed, options=CONFIG.options).select)


class Watched:
    """Counts the runs after the search, and is stopped before one of them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.judging = False
        self.runs: Counter[tuple[object, ...]] = Counter()
        self.stop_at: int | None = None
        measure, judge = Landscape.measure, Judge.run

        def measured(domain: Landscape, candidate: Candidate, instance: Instance, **options: object) -> Measurement:
            if self.judging:
                if self.stop_at == self.runs.total():
                    self.stop_at = None
                    signal.raise_signal(signal.SIGINT)
                self.runs[candidate.id, instance.id, *sorted(options.items())] += 1
            return measure(domain, candidate, instance, **options)  # type: ignore[arg-type]

        async def judged(own: Judge) -> None:
            self.judging = True
            try:
                await judge(own)
            finally:
                self.judging = False

        patch.setattr(Landscape, "measure", measured)
        patch.setattr(Judge, "run", judged)


def discover(path: Path, run: str = "") -> Report:
    with open_store(path) as store:
        return Discovery(config=CONFIG, store=store, run_id=run).run()


def judged_alike(one: Report, other: Report) -> bool:
    told = ("best", "holdout", "controls", "ablation")
    return all(getattr(one, name) == getattr(other, name) for name in told)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT be what it is in a program, whatever other tests have made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interruption_after_the_search_loses_no_measurement_that_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    whole = discover(tmp_path / "whole.db")
    expected = watched.runs.copy()
    assert whole.holdout is not None
    assert expected.total() > 100
    for stop_at in (1, expected.total() // 4, expected.total() // 2, expected.total() - 3 * PIECE):
        watched.runs.clear()
        watched.stop_at = stop_at
        path = tmp_path / f"{stop_at}.db"
        with pytest.raises(KeyboardInterrupt):
            discover(path)
        with open_store(path) as store:
            run = runs(store)[0].id
            before = usage(store, run).cpu_s
        ended = discover(path, run)
        with open_store(path) as store:
            after = usage(store, run).cpu_s
            left = [one for block in store.interim(run).values() for one in block]
        assert {(one.build, one.cost) for one in left} == {("fused", 1)}, "whether it can be deployed, and no more"
        assert judged_alike(ended, whole)
        assert not expected - watched.runs
        assert (watched.runs - expected).total() <= PIECE, "no more than a piece of the winner, which counts as a trial"
        assert before <= after == pytest.approx(ended.cost.cpu_s, abs=1e-3)


@pytest.mark.usefixtures("ctrl_c")
def test_a_verdict_rests_on_runs_of_the_environment_that_it_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    discover(tmp_path / "whole.db")
    expected = watched.runs.copy()
    watched.runs.clear()
    watched.stop_at = expected.total() // 8  # in the verdict on the winner
    with pytest.raises(KeyboardInterrupt):
        discover(tmp_path / "s.db")
    before = watched.runs.copy()
    assert any(("fused", True) in run for run in before), "the verdict had begun"
    watched.runs.clear()
    monkeypatch.setattr(Landscape, "environment", lambda _: {"processor": "another"})
    with open_store(tmp_path / "s.db") as store:
        run = runs(store)[0].id
        Discovery(config=CONFIG, store=store, run_id=run).run()
        assert {held.environment["processor"] for held in store.verdicts(run)} == {"another"}
    assert not before - watched.runs, "what was measured elsewhere is measured again"


class Half:
    """An executor whose calls end within a pair, as the second build fails."""

    calls = 0

    async def submit(self, *_: object) -> Block:
        self.calls += 1
        made = Measurement(candidate="c", instance="i", family="f", seed=0, outcome=Outcome.SOLVED, cost=1.0, cpu_s=0.1)
        return Block(measurements=(made,), failure="it does not run here")

    def close(self) -> None:
        pass


def test_what_was_measured_before_a_failed_build_is_not_taken_for_the_whole() -> None:
    store, half = MemoryStore(), Half()
    run = store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {})
    for stretch in (1, 2):
        block = asyncio.run(Kept(half, store, run, {}).submit(measure, "pair"))  # type: ignore[arg-type]
        assert (block.failure, half.calls) == ("it does not run here", stretch)
