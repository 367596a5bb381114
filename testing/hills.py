"""Searches on the landscape: the settings that tests share, and what two searches are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slotforge.core.types import Budget, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search import numbering
from slotforge.search.discover import Discovery
from slotforge.search.report import Report
from slotforge.testing import landscape


def config(**changes: object) -> RunConfig:
    """Set up a short search, with some fields changed."""
    base = RunConfig(
        domain=landscape.NAME,
        instances=("a", "b"),
        budget=Budget(evals=24),
        executor="inline",
        options={"per_family": 25},
    )
    return RunConfig.model_validate({**base.model_dump(), **changes})


def discover(path: Path, made: RunConfig, **options: object) -> tuple[Report, dict[int, tuple[object, ...]]]:
    """Run the main job in a store of its own; return its report and the archive as plain values."""
    with open_store(path) as store:
        report = Discovery(config=made, store=store, **options).run()  # type: ignore[arg-type]
        return report, archive(store.trials(report.run))


def archive(trials: Mapping[int, Trial]) -> dict[int, tuple[object, ...]]:
    """Return of each trial up to the end of the search what must not depend on who ran it, and when."""
    return {
        n: (t.candidate and t.candidate.id, t.state, t.ratio, t.reason, t.parents, t.against)
        for n, t in sorted(trials.items())
        if n > numbering.ABLATION
    }


def searched(trials: Mapping[int, Trial]) -> dict[int, tuple[object, ...]]:
    """Return the archive as it was before the verdict.

    What is confirmed hangs on who has looked at the same instances before, in a store of many searches.
    """
    before = {n: t.model_copy(update={"state": TrialState.SCORED}) if t.scored else t for n, t in trials.items()}
    return archive(before)
