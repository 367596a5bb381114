"""What the store answers, as records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slotforge.core.comparison import Pair, Verdict
from slotforge.core.types import Candidate, Event, Record, RunConfig, Suite, Trial


def moment(seconds: float) -> datetime:
    """Turn seconds since 1970 into a time."""
    return datetime.fromtimestamp(seconds, UTC)


class RunRecord(Record):
    """A run as it was opened and as it stands.

    state: "running", "interrupted" (its process is gone), or as it was finished.
    started, ended: for people only; nothing depends on them.
    """

    id: str
    config: RunConfig
    suite: Suite
    environment: Mapping[str, str]
    state: str
    report: Mapping[str, Any] | None
    started: datetime
    ended: datetime | None


class RunSummary(Record):
    """A line in the list of runs. ratio: the best in its search; None before any."""

    id: str
    domain: str
    state: str
    strategy: str
    model: str
    seed: int
    trials: int
    ratio: float | None
    started: datetime
    ended: datetime | None


class Usage(Record):
    """What a run has cost.

    usd: with what calls that were not answered may have cost; unanswered_tokens: of these.
    cpu_s: of all measurements: of its trials, on the select split, and behind verdicts, those of `confirm` included.
    latency_s: of all answers together; seconds: that the run took, over all its stretches.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    unanswered_tokens: int
    usd: float
    latency_s: float
    cpu_s: float
    seconds: float

    @property
    def tokens(self) -> int:
        """Tokens in and out, with those that calls without an answer may have cost."""
        return self.input_tokens + self.output_tokens + self.unanswered_tokens


class Confirmation(Record):
    """A verdict with what it is about and what it rests on; see `core.comparison.Held`."""

    run: str | None
    candidate: str
    against: str
    at: datetime
    verdict: Verdict
    control: bool = False
    environment: Mapping[str, str]
    pairs: tuple[Pair, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Name the families of instances that it was measured on."""
        return tuple(sorted({pair.against.family for pair in self.pairs}))


class Artefact(Record):
    """Something exported from a candidate."""

    kind: str
    path: str
    at: datetime


class Best(Record):
    """A candidate in the list of the best.

    family: whose ratio this is; None is all.
    ratio: of costs against the baseline, on unseen instances when there is a verdict, otherwise in the search.
    low, high: the verdict's 95 % interval.
    confirmed: whether the verdict is "better".
    """

    candidate: str
    domain: str
    slots: Mapping[str, str]
    family: str | None
    ratio: float
    low: float | None
    high: float | None
    confirmed: bool
    run: str | None


class Ancestor(Record):
    """A candidate in a lineage, with the trial that made it. generation: steps back from the one asked for."""

    candidate: str
    generation: int
    state: str
    parents: tuple[str, ...] = ()
    operator: str = ""
    slots: tuple[str, ...] = ()
    run: str | None = None
    number: int | None = None
    ratio: float | None = None


class RunDetails(Record):
    """All about a run but its trials. states: trials by state."""

    run: RunRecord
    usage: Usage
    states: Mapping[str, int]
    confirmations: tuple[Confirmation, ...]
    events: tuple[Event, ...]


class CandidateDetails(Record):
    """All about a candidate. trials: every attempt that led to it, with exchanges and measurements."""

    id: str
    candidate: Candidate
    trials: tuple[Trial, ...]
    confirmations: tuple[Confirmation, ...]
    artefacts: tuple[Artefact, ...]
