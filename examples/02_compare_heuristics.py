"""Compare built-in heuristics on generated formulas, in ticks: the same on every machine."""

from math import exp, log

from slotforge.solvers.sat import Solver, families

FORMULAS = [families.generate("tseitin:14", seed=1, index=i).clauses for i in range(4)]


def ticks(heuristics: str) -> list[int]:
    """Cost of each formula."""
    costs = []
    for clauses in FORMULAS:
        with Solver(bootstrap_with=clauses, heuristics=heuristics) as solver:
            solver.solve()
            costs.append(solver.accum_stats()["ticks"])
    return costs


baseline = ticks("baseline")
for heuristics in ("restart_due=Luby", "restart_due=Luby:unit=32", "switch_mode=AlwaysStable", "decay=EasySat"):
    ratios = [log(cost / base) for cost, base in zip(ticks(heuristics), baseline, strict=True)]
    print(f"{heuristics:26} {exp(sum(ratios) / len(ratios)):6.3f} of the baseline's ticks")
