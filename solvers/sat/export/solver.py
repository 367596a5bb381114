"""A folder with a DIMACS solver of its own that has the policies compiled in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.provenance import lines, title
from slotforge.solvers.sat.export.cpp import header

if TYPE_CHECKING:
    from slotforge.solvers.sat.build import Builder

PROGRAM = "solver"
FILES = frozenset({PROGRAM, "heuristics.hpp", "PROVENANCE.md", "test.sh"})

_ABOUT = """\
# {title}

`./solver FILE.cnf` decides a formula in DIMACS format (plain, .gz, .xz, .bz2, .zst, or standard input). It prints a
line `s SATISFIABLE` with the model, `s UNSATISFIABLE`, or `s UNKNOWN`, and exits with 10, 20 or 0. A file that is no
formula ends in one line, `FILE:LINE: reason`, and exit 1; of one whose header is missing or states other counts than it
holds, as when it was cut off, standard error has a warning. `--proof FILE` writes a DRAT proof; `./solver --help` lists
the limits and all else. `sh test.sh` tests it.

The policies in it are those of `heuristics.hpp`. It was compiled with {compiler}, for this kind of machine.

## Where it comes from

{provenance}
"""

_TEST = """\
#!/bin/sh
# Tests the solver beside this file: two small formulas, their answers and exit codes.
cd "$(dirname "$0")" || exit 1

# expect CODE ANSWER FORMULA
expect() {
    answer=$(printf "$3" | ./solver --no-model | grep '^s ')
    code=$(printf "$3" | ./solver --no-model >/dev/null; echo $?)
    if [ "$code" != "$1" ] || [ "$answer" != "s $2" ]; then
        echo "failed: expected 's $2' and exit $1, got '$answer' and exit $code" >&2
        exit 1
    fi
}

expect 10 SATISFIABLE 'p cnf 3 3\\n1 2 0\\n-1 3 0\\n-2 -3 0\\n'
expect 20 UNSATISFIABLE 'p cnf 2 4\\n1 2 0\\n-1 2 0\\n1 -2 0\\n-1 -2 0\\n'
echo passed
"""


def write(candidate: Candidate, out: Path, provenance: Mapping[str, Any], builder: Builder) -> Path:
    """Compile the solver and write the folder; a folder that holds anything else is left alone."""
    if out.exists() and not _is_ours(out):
        raise UsageError(f"{out}: exists and is no solver that was exported: give another --out")
    program = builder.fused(candidate.slots)
    out.mkdir(exist_ok=True)
    shutil.copyfile(program, out / PROGRAM)
    (out / PROGRAM).chmod(0o755)
    about = _ABOUT.format(
        title=title(candidate), compiler=builder.compiler.version, provenance="\n".join(lines(provenance))
    )
    (out / "heuristics.hpp").write_text(header(candidate, provenance), encoding="utf-8")
    (out / "PROVENANCE.md").write_text(about, encoding="utf-8")
    (out / "test.sh").write_text(_TEST, encoding="utf-8")
    (out / "test.sh").chmod(0o755)
    return out


def _is_ours(out: Path) -> bool:
    """Whether a path is an empty folder, or one that was exported and holds nothing else."""
    names = {path.name for path in out.iterdir()} if out.is_dir() else {str(out)}
    return not names or ("PROVENANCE.md" in names and names <= FILES)
