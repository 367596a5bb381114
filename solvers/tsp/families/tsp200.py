"""200 cities in the unit square; :test is the set of the published table."""

from __future__ import annotations

from slotforge.solvers.tsp.families._uniform import Uniform

family = Uniform(cities=200, after=393_760)
