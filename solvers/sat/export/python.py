"""A Python module with the policies in it and a `Solver` that has PySAT's interface."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.types import Candidate
from slotforge.solvers.provenance import called, lines, title

if TYPE_CHECKING:
    from slotforge.solvers.sat.build import Builder

_MODULE = '''\
"""{title}.

`Solver` has the interface of PySAT's solvers; it needs slotforge, which compiles the heuristics below when it is first
used. `python {file}` tests it.
"""

{provenance}

from typing import Any

from slotforge.solvers import sat

HEURISTICS = {{
{sources}}}


class Solver(sat.Solver):
    """A `slotforge.solvers.sat.Solver` with these heuristics."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{{"heuristics": HEURISTICS, **named}})


def test() -> None:
    """Solve a satisfiable formula and, with one clause more, an unsatisfiable one."""
    with Solver(bootstrap_with=[[1, 2], [-1, 3], [-2, -3]]) as solver:
        assert solver.solve() is True
        assert solver.solve(assumptions=[2, 3]) is False
        assert set(solver.get_core()) == {{2, 3}}
        solver.append_formula([[2], [3]])
        assert solver.solve() is False


if __name__ == "__main__":
    test()
    print("passed")
'''


def write(candidate: Candidate, out: Path, provenance: Mapping[str, Any], builder: Builder) -> Path:
    """Write the module; the policies are compiled once to be sure of them."""
    builder.engine_arguments(candidate.slots)
    sources = "".join(f"    {slot!r}: {_literal(source)},\n" for slot, source in sorted(candidate.slots.items()))
    comments = "\n".join(f"# {line}" for line in lines(provenance)) or "# Its history is not known."
    text = _MODULE.format(title=title(candidate), file=called(out), provenance=comments, sources=sources)
    out.write_text(text, encoding="utf-8")
    return out


def _literal(source: str) -> str:
    """A string literal that is readable; policies hold no backslash."""
    return repr(source) if '"""' in source or "\\" in source or source.endswith('"') else f'"""\\\n{source}"""'
