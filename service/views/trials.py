"""The trials of a run or of a candidate."""

from slotforge.lineage.reads.trials import TrialLine, operators, trial, trials, trials_of

__all__ = ["TrialLine", "operators", "trial", "trials", "trials_of"]
