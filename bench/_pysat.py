"""Solves one formula with a solver of python-sat and prints what it took, without loading, as a line of JSON.

Run as `python -m slotforge.bench._pysat SOLVER FILE SECONDS`; the kernel ends it when the seconds are over.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from typing import Any


def main(name: str, path: str, limit: float) -> None:
    """Load, then limit the CPU seconds of this process to those used so far and the limit, then solve."""
    from pysat.solvers import Solver

    from slotforge.solvers.sat import cnf

    with Solver(name=name, bootstrap_with=cnf.read(path).clauses) as solver:
        before = time.process_time()
        seconds = math.ceil(before + limit)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        satisfiable = solver.solve()
        cpu_s = time.process_time() - before
        answer = "sat" if satisfiable else "unsat"
        model = solver.get_model() if satisfiable else None
        print(json.dumps({"answer": answer, "cpu_s": cpu_s, "model": model, "stats": _statistics(solver)}))


def _statistics(solver: Any) -> dict[str, int]:
    try:
        return dict(solver.accum_stats() or {})
    except NotImplementedError:
        return {}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
