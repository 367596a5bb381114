"""The lowest level of the sandbox is that of all runs of a candidate, wherever they are kept."""

from __future__ import annotations

from slotforge.core.comparison import Pair
from slotforge.core.types import Measurement, Trial
from slotforge.lineage.reads.levels import lowest_level
from slotforge.lineage.store import SqlStore
from slotforge.testing.store_samples import BASELINE, CONFIG, SUITE, held, sample_pairs, sample_trial, sample_verdict


def at(level: int, measured: Measurement) -> Measurement:
    return measured.model_copy(update={"sandbox_level": level})


def ran(run: str, number: int, level: int) -> Trial:
    """Make a trial that ran at a level."""
    made = sample_trial(run, number)
    return made.model_copy(update={"measurements": tuple(at(level, measured) for measured in made.measurements)})


def test_every_place_where_runs_are_kept_counts(store: SqlStore) -> None:
    candidate = sample_trial("", 2).candidate
    assert candidate is not None
    run, other = (store.create_run(CONFIG, SUITE, {}) for _ in range(2))
    store.record(ran(run, 0, 5))
    assert lowest_level(store, candidate.id) is None
    store.record(ran(run, 2, 4))
    assert lowest_level(store, candidate.id) == 4
    store.record(ran(other, 0, 5))
    store.record(ran(other, 2, 3))
    assert lowest_level(store, candidate.id) == 3, "of whichever run"
    selection = {2: [at(2, measured) for measured in sample_trial(run, 2).measurements]}
    pairs = [Pair(candidate=at(1, one.candidate), against=at(0, one.against)) for one in sample_pairs(candidate)]
    store.finish(run, "finished", {}, selection=selection)
    assert lowest_level(store, candidate.id) == 2
    store.record_verdict(None, held(candidate, sample_verdict(0.8), pairs=pairs))
    assert lowest_level(store, candidate.id) == 1
    assert lowest_level(store, BASELINE.id) == 0, "on the other side of a verdict as well"
