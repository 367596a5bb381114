"""Write a policy in C++, keep it in a heuristics file, and solve with it; then export a solver that has it inside."""

import subprocess
import tempfile
from pathlib import Path

from slotforge.core.types import Candidate
from slotforge.solvers.sat import Solver, families, heuristics
from slotforge.solvers.sat.domain import Sat

EAGER = """\
// Restart after a fixed number of conflicts, and sooner while the learned clauses are bad.
struct Eager {
    SLOT_PARAM(interval, 40, 4, 1000);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.restart);
        return since * view.glue.fast > interval * view.glue.slow;
    }
};
"""

formula = families.generate("miter:5", seed=0, index=0)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "eager.hpp"
    file.write_text(heuristics.write({"restart_due": EAGER}, ["Eager restarts, by hand."]))

    with Solver(bootstrap_with=formula.clauses, heuristics=file, with_proof=True) as solver:
        print("satisfiable:", solver.solve(), "with", solver.accum_stats()["restarts"], "restarts")
        print("lines of proof:", len(solver.get_proof()))

    candidate = Candidate(domain="sat", slots=heuristics.read(file))
    out = Sat().export(candidate, "solver", Path(folder) / "solver", {"made": "by hand"})
    print("its own test:", subprocess.run([out / "test.sh"], capture_output=True, text=True, check=True).stdout.strip())
