"""100 cities in the unit square; :test is the set of the published table."""

from __future__ import annotations

from slotforge.solvers.tsp.families._uniform import Uniform

family = Uniform(cities=100, after=193_760)
