"""Operators of trials that no strategy proposed, and that begin no lineage of their own."""

from __future__ import annotations

BASELINE = "baseline"
BUILTIN = "builtin "  # the name of the policy follows
TUNED_BASELINE = "tune the baseline"
