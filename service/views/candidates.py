"""A candidate, and what it did instance by instance."""

from slotforge.lineage.reads.candidates import CandidateView, Exported, Judged, candidate
from slotforge.lineage.reads.measured import Measured, MeasuredLine, Split, measurements

__all__ = [
    "CandidateView",
    "Exported",
    "Judged",
    "Measured",
    "MeasuredLine",
    "Split",
    "candidate",
    "measurements",
]
