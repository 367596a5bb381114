"""A candidate, and what it did instance by instance."""

from slotforge.lineage.reads.candidates import CandidateView, Exported, Judged, candidate
from slotforge.lineage.reads.levels import lowest_level
from slotforge.lineage.reads.measured import Against, Measured, MeasuredLine, Rival, Split, measurements

__all__ = [
    "Against",
    "CandidateView",
    "Exported",
    "Judged",
    "Measured",
    "MeasuredLine",
    "Rival",
    "Split",
    "candidate",
    "lowest_level",
    "measurements",
]
