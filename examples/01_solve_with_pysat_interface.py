"""Solve a formula of PySAT with slotforge's engine, incrementally."""

from pysat.card import CardEnc
from pysat.formula import CNF, IDPool

from slotforge.solvers.sat import Solver

# Seat seven guests on seven chairs in a row; 1 and 2 do not sit side by side.
guests = chairs = range(7)
pool = IDPool()
formula = CNF()
for chair in chairs:
    formula.extend(CardEnc.equals([pool.id((guest, chair)) for guest in guests], vpool=pool).clauses)
for guest in guests:
    formula.extend(CardEnc.equals([pool.id((guest, chair)) for chair in chairs], vpool=pool).clauses)
for chair in range(6):
    formula.append([-pool.id((1, chair)), -pool.id((2, chair + 1))])
    formula.append([-pool.id((2, chair)), -pool.id((1, chair + 1))])

with Solver(bootstrap_with=formula, use_timer=True) as solver:
    assert solver.solve()
    model = set(solver.get_model())
    print("seated:", [next(g for g in guests if pool.id((g, c)) in model) for c in chairs])

    wishes = [pool.id((1, 3)), pool.id((0, 5)), pool.id((2, 4))]
    assert not solver.solve(assumptions=wishes)
    print("cannot all be granted:", [pool.obj(wish) for wish in solver.get_core()])
    print("conflicts:", solver.accum_stats()["conflicts"], "CPU seconds:", round(solver.time_accum(), 3))
