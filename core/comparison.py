"""One candidate held against another, as records: the pairs of runs, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from slotforge.core.types import Candidate, Measurement, Outcome, Record


class Pair(Record):
    """The same instance and seed, run with a candidate and with what it is compared to, one after the other.

    candidate_first: whether they ran in this order, or the other way round.
    """

    candidate: Measurement
    against: Measurement
    candidate_first: bool = True

    @property
    def runs(self) -> tuple[Measurement, Measurement]:
        """Both, in the order in which they ran."""
        both = (self.candidate, self.against)
        return both if self.candidate_first else both[::-1]

    @property
    def unsolved(self) -> bool:
        """Whether neither came to an answer; then nothing is known of which is faster."""
        return self.candidate.outcome is Outcome.LIMIT and self.against.outcome is Outcome.LIMIT


REFUTED = "refuted: "  # begins the note of a verdict on what failed


class FamilyVerdict(Record):
    """Paired comparison on one family, or over all: ratio of costs with its 95 % interval; below 1 is better."""

    ratio: float
    low: float
    high: float
    p: float
    instances: int
    verdict: Literal["better", "no difference", "worse"]
    cpu_ratio: float


class Verdict(FamilyVerdict):
    """The comparison over all families, and per family with Holm-corrected p-values."""

    families: Mapping[str, FamilyVerdict] = Field(default_factory=dict)
    proofs: int = 0  # UNSAT answers that were proved
    models: int = 0  # SAT answers whose model was checked
    notes: tuple[str, ...] = ()

    @property
    def refuted(self) -> bool:
        """Whether the candidate gave a wrong answer, or failed where the other did not."""
        return any(note.startswith(REFUTED) for note in self.notes)


class Held(Record):
    """A candidate that was held against another, the verdict, and what it rests on.

    control: whether it is held beside another candidate, to show what that one is worth; not in hope that it is better.
    pairs: what the verdict was computed from; where the candidate was refuted, the pair that did it.
    environment: of the pairs, see `Domain.environment`; empty where it is not known.
    """

    candidate: Candidate
    against: Candidate
    verdict: Verdict
    control: bool = False
    pairs: tuple[Pair, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all its runs."""
        return sum(run.cpu_s for pair in self.pairs for run in pair.runs)
