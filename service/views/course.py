"""The course of a run: its best ratio so far, why its trials failed, and its log."""

from slotforge.lineage.reads.course import Curve, Failures, LogLine, curve, curves, failures, log, scored, tried

__all__ = ["Curve", "Failures", "LogLine", "curve", "curves", "failures", "log", "scored", "tried"]
