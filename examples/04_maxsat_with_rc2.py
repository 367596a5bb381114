"""Run PySAT's own MaxSAT solver RC2 on slotforge's engine: its name `Solver` is all that has to be replaced."""

from functools import partial

import pysat.examples.rc2
from pysat.formula import WCNF

from slotforge.solvers.sat import Solver

# A cover of the edges of a pentagon with a chord by vertices, each vertex at its price.
formula = WCNF()
for one, other in [(1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (1, 3)]:
    formula.append([one, other])
for vertex, price in enumerate([3, 1, 2, 1, 2], 1):
    formula.append([-vertex], weight=price)

pysat.examples.rc2.Solver = partial(Solver, heuristics="restart_due=Luby")
with pysat.examples.rc2.RC2(formula) as solver:
    model = solver.compute()
    print("cover:", [literal for literal in model if literal > 0], "price:", solver.cost)
assert solver.cost == 5
