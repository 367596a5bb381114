"""Families of cities: each file is one, and its file name is its name."""

from __future__ import annotations

from slotforge.solvers.policy import families


def make(spec: str) -> tuple[families.Family, bool]:
    """Read a spec: see `policy.families.make`."""
    return families.make(__name__, spec)
