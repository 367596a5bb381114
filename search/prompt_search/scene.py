"""What the prompts that are sampled tell: the solver alone, or what a run found as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Trial, TrialState

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where a prompt is asked.

    baseline: trial of the reference, with what it does on the instances, where there are any.
    parent: the trial to start from; None is where a search begins.
    """

    baseline: Trial
    parent: Trial | None = None

    @property
    def families(self) -> list[str]:
        """Name the families of the instances."""
        return sorted({measurement.family for measurement in self.baseline.measurements})


def scene(store: SqlStore, domain: str, run: str) -> Scene:
    """Set the scene of a run, with the best that it found as the parent, or of none where the id is empty.

    Raises:
        UsageError: the run is one of another domain, or has measured nothing yet.
    """
    if not run:
        return Scene(baseline=_blank(Candidate(domain=domain)))
    record, trials = store.run(run), store.trials(run)
    if record.config.domain != domain:
        raise UsageError(f"run {record.id} is one of '{record.config.domain}', and prompts of '{domain}' are wanted")
    if 0 not in trials:
        raise UsageError(f"run {record.id} has measured nothing yet: choose another with --run")
    found = [one for number, one in trials.items() if number and one.scored and one.candidate and one.ratio is not None]
    best = min(found, key=lambda one: (one.ratio, one.number), default=None)
    return Scene(baseline=trials[0], parent=best)


def _blank(baseline: Candidate) -> Trial:
    """Make a trial of the reference that says nothing."""
    return Trial(
        run="",
        number=0,
        operator="baseline",
        slots=(),
        parents=(),
        state=TrialState.SCORED,
        candidate=baseline,
        ratio=1.0,
    )
