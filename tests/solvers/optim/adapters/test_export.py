"""An exported file stands alone, does what the rule did, and can be read back."""

from __future__ import annotations

import ast
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import slotforge
from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.export import export, kinds
from slotforge.solvers.optim.sources import read

KINDS = ("optax", "scipy", "torch")
MAY_IMPORT = {"torch": {"torch"}, "optax": {"jax", "optax"}, "scipy": {"numpy", "scipy"}}
ALONE = "import runpy, sys; sys.modules['slotforge'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
SINGLE = ("transform=clip", "precondition=diagonal", "schedule=cosine", "restart=lookahead", "step=adam")
COMBINED = "schedule=cosine,step=lion,restart=lookahead"


def needs(kind: str) -> None:
    for package in MAY_IMPORT.get(kind, set()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install {package}")


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("torch", "muon"),
        ("torch", "damped_newton"),
        ("torch", COMBINED),
        ("torch", "restart=lookahead"),
        ("optax", "damped_newton"),
        ("scipy", COMBINED),
    ],
)
def test_a_file_passes_its_own_test_where_there_is_no_slotforge(kind: str, rule: str, tmp_path: Path) -> None:
    needs(kind)
    path = export(builtin.named(rule), kind, tmp_path / "found.py", {})
    done = run(path)
    assert (done.returncode, done.stdout) == (0, "passed\n"), done.stderr


def test_the_test_of_a_file_notices_another_rule(tmp_path: Path) -> None:
    path = export(builtin.named("adam"), "scipy", tmp_path / "found.py", {})
    text = path.read_text()
    path.write_text(text.replace("xp.sqrt(square) + EPS", "xp.sqrt(square) + 1e-3"))
    assert path.read_text() != text
    done = run(path)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_imports_nothing_but_its_host(kind: str, tmp_path: Path) -> None:
    tree = ast.parse(export(builtin.named("adam"), kind, tmp_path / "found.py", {}).read_text())
    found = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    found |= {str(n.module).partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert found - sys.stdlib_module_names == MAY_IMPORT[kind]


@pytest.mark.parametrize("kind", [*KINDS, "rule"])
@pytest.mark.parametrize("rule", ["adam", COMBINED, "restart=lookahead"])
def test_a_file_reads_back_as_the_same_candidate_and_says_where_it_is_from(
    kind: str, rule: str, tmp_path: Path
) -> None:
    slots = builtin.named(rule)
    path = export(slots, kind, tmp_path / "found.py", {"run": "4711", "model": "a\nb", "speed-up": 1.23456})
    candidate = Candidate(domain="optim", slots=slots)
    assert Candidate(domain="optim", slots=read(path)).id == candidate.id
    text = path.read_text()
    assert candidate.id in text.splitlines()[0]
    assert "# - run: 4711\n# - model: a b\n# - speed-up: 1.235\n" in text


@pytest.mark.parametrize("slots", [{"transform": "clip"}, {"sampling": "uniform"}, {"selection": "comma"}])
def test_the_rules_alone_read_back_whatever_their_slots_are(slots: dict[str, str], tmp_path: Path) -> None:
    found = {slot: builtin.rules(slot).get(name) or builtin.default(slot) for slot, name in slots.items()}
    assert builtin.read(str(export(found, "rule", tmp_path / "found.txt", {}))) == found


@pytest.mark.parametrize("rule", SINGLE)
def test_a_file_goes_the_way_of_what_was_measured(rule: str, quadratic: Any, tmp_path: Path) -> None:
    slots = builtin.named(rule)
    file = loaded(export(slots, "scipy", tmp_path / "found.py", {}))
    measured = composite(tuple(sorted(builtin.cast(case.family("least_squares"), slots).items())))
    options: Any = {"maxiter": quadratic.steps, "gtol": 0.0, "rank": quadratic.rank}
    assert {name: number.default for name, number in measured.numbers.items()} == file.NUMBERS
    for method in (file.method, slotforge.optim.scipy(rule)):
        found = minimize(quadratic.value, quadratic.start, jac=quadratic.grad, method=method, options=options)
        np.testing.assert_allclose(found.x, quadratic.run(measured, quadratic.start.shape), rtol=1e-12)


def test_numbers_that_were_tuned_are_the_defaults_of_a_file(tmp_path: Path) -> None:
    tuned = {"step.lr": {"value": 0.0123, "low": 0.01, "high": 0.02, "problems": 3}, "gone.x": {"value": 1.0}}
    path = export(builtin.named("restart=lookahead"), "scipy", tmp_path / "found.py", {"tuned numbers": tuned})
    assert loaded(path).NUMBERS["step.lr"] == 0.0123
    assert "medians of the best" in path.read_text()
    assert run(path).stdout == "passed\n"


def test_a_method_of_a_file_can_be_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = loaded(export(builtin.named("adam"), "scipy", tmp_path / "found.py", {}))
    monkeypatch.setitem(sys.modules, "found", file)
    assert pickle.loads(pickle.dumps(file.method)) is file.method


def test_every_kind_is_listed_with_what_it_is() -> None:
    assert set(kinds()) == {*KINDS, "rule"}


def test_what_was_exported_is_replaced_and_what_is_somebody_elses_is_not(tmp_path: Path) -> None:
    path = tmp_path / "found.py"
    export(builtin.named("adam"), "rule", path, {})
    export(builtin.named("lion"), "scipy", path, {})
    assert "Lion" in path.read_text()
    path.write_text("mine")
    with pytest.raises(UsageError, match="was not exported by slotforge"):
        export(builtin.named("adam"), "rule", path, {})
    assert path.read_text() == "mine"
    with pytest.raises(UsageError, match="was not exported by slotforge"):
        export(builtin.named("adam"), "rule", tmp_path, {})


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    out = tmp_path / "found.py"
    with pytest.raises(UsageError, match="the baseline is the best tuned specialist of each family"):
        export({}, "rule", out, {})
    with pytest.raises(UsageError, match="no artefact 'keras' for optim: choose one of optax, rule, scipy, torch"):
        export(builtin.named("adam"), "keras", out, {})
    with pytest.raises(UsageError, match="there is no optimizer to make of it"):
        export(builtin.named("selection=comma"), "torch", out, {})
    shapes = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n    return p - g.mT, {}\n"
    with pytest.raises(UsageError, match="does not work on a vector"):
        export({"step": shapes}, "scipy", out, {})
    with pytest.raises(BuildError, match="slot step"):
        export({"step": "import os\n" + builtin.default("step")}, "torch", out, {})
    assert not out.exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(SlotforgeError, match="cannot be written"):
        export(builtin.named("adam"), "rule", tmp_path / "file" / "found.py", {})


def loaded(path: Path) -> Any:
    """Import a file."""
    spec = importlib.util.spec_from_file_location("found", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "found", module)
        spec.loader.exec_module(module)
    return module


def run(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-W", "error", "-c", ALONE, str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
