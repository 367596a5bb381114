"""Weibull sizes up to 100, 1,000 items, bins of 100; :test is the set of the published table."""

from __future__ import annotations

from slotforge.solvers.packing.families._weibull import Weibull

family = Weibull(items=1_000, capacity=100, after=36_000)
