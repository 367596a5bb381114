"""Weibull sizes up to 100, 5,000 items, bins of 500; :test is the set of the published table."""

from __future__ import annotations

from slotforge.solvers.packing.families._weibull import Weibull

family = Weibull(items=5_000, capacity=500, after=121_000)
