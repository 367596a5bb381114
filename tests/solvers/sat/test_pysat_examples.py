"""Examples of PySAT find the same with our solver in the place of theirs."""

from __future__ import annotations

import pytest
from pysat.examples.fm import FM
from pysat.examples.hitman import Hitman
from pysat.examples.lbx import LBX
from pysat.examples.mcsls import MCSls
from pysat.examples.musx import MUSX
from pysat.examples.optux import OptUx
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

from slotforge.solvers.sat import Solver

pytestmark = pytest.mark.usefixtures("home_of_builds")


@pytest.fixture
def as_pysat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put our solver in the place of PySAT's in its examples."""
    for module in ("fm", "hitman", "lbx", "mcsls", "musx", "optux", "rc2"):
        monkeypatch.setattr(f"pysat.examples.{module}.Solver", Solver)


def soft() -> WCNF:
    """An unsatisfiable weighted formula: colour a wheel of five spokes, and pay for equal neighbours."""
    formula = WCNF()
    colour = {(v, c): 3 * v + c + 1 for v in range(6) for c in range(3)}
    for v in range(6):
        formula.append([colour[v, c] for c in range(3)])
        formula.extend([[-colour[v, a], -colour[v, b]] for a in range(3) for b in range(a)])
    for weight, (v, w) in enumerate([(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5), (5, 1)]):
        same = 18 + weight + 1
        formula.extend([[-colour[v, c], -colour[w, c], same] for c in range(3)])
        formula.append([-same], weight=1 + weight % 3)
    return formula


EXAMPLES = {
    "RC2": lambda: _rc2(soft()),
    "FM": lambda: _fm(soft()),
    "LBX": lambda: _corrections(LBX(unweighted(), use_cld=True)),
    "MCSls": lambda: _corrections(MCSls(unweighted(), use_cld=True)),
    "OptUx": lambda: sorted(map(tuple, OptUx(unweighted()).enumerate())),
    "MUSX": lambda: bool(MUSX(unweighted(), verbosity=0).compute()),
    "Hitman": lambda: sorted(
        map(sorted, Hitman(bootstrap_with=[[1, 2, 3], [1, 4], [5, 6]], htype="sorted").enumerate())
    ),
}


def unweighted() -> WCNF:
    formula = soft()
    formula.wght = [1] * len(formula.soft)
    return formula


def _corrections(enumerator: LBX | MCSls) -> list[list[int]]:
    found = []
    for correction in enumerator.enumerate():
        enumerator.block(correction)
        found.append(sorted(correction))
    return sorted(found)


def _rc2(formula: WCNF) -> int:
    with RC2(formula) as solver:
        assert solver.compute()
        return int(solver.cost)


def _fm(formula: WCNF) -> int:
    solver = FM(formula, verbose=0)
    assert solver.compute()
    return int(solver.cost)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_pysat_find_the_same_with_our_solver(example: str, request: pytest.FixtureRequest) -> None:
    expected = EXAMPLES[example]()
    request.getfixturevalue("as_pysat")
    assert EXAMPLES[example]() == expected
