"""The wheel is all that a node of a cluster needs besides the locked packages and a compiler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MEASURE = """
import json, shutil, sys
import slotforge
from slotforge.core.types import Candidate
from slotforge.search import worker
from slotforge.solvers.sat import families, instances
from slotforge.solvers.sandbox.launch import find_launcher

one = instances.keep(families.generate("sgen:5", 1, 0), name="one", family="sgen")
luby = Candidate(domain="sat", slots={"restart_due": worker.domain("sat").slots()["restart_due"].variants["Luby"]})
(made,) = worker.measure((worker.Task(candidate=luby, instance=one, seed=1, prove=True),)).measurements
print(json.dumps([slotforge.__file__, find_launcher(), made.outcome, made.evidence]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-C", f"build-dir={folder / 'build'}", "-w", str(folder), str(ROOT)], check=True, timeout=580)
    (made,) = folder.glob("slotforge-*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_fits_any_python_and_holds_what_candidates_are_compiled_with(wheel: Path) -> None:
    assert "-py3-none-" in wheel.name
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "solvers/sat/engine").rglob("*.[ch]pp")}
    assert {f"slotforge/{source}" for source in sources} <= names
    programs = {Path(name).name for name in names if ".data/scripts/" in name}
    assert programs == {"slotforge-sat", "slotforge-drat", "slotforge-sandbox"}
    assert not any(name.startswith(("tests/", "bench/results")) or "__pycache__" in name for name in names)


@pytest.mark.slow
def test_the_wheel_compiles_and_measures_where_nothing_of_the_checkout_is(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "fresh", with_pip=False, symlinks=True)
    python = tmp_path / "fresh/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True, timeout=120)
    packages = sysconfig.get_path("purelib")  # what the lock file pins; the checkout is no folder in it
    environment = {**os.environ, "PYTHONPATH": packages, "SLOTFORGE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [python, "-c", MEASURE], env=environment, cwd=tmp_path, check=True, timeout=300, stdout=subprocess.PIPE
    )
    package, launcher, outcome, evidence = json.loads(done.stdout)
    assert Path(package).is_relative_to(tmp_path / "fresh")
    assert Path(launcher).is_relative_to(tmp_path / "fresh")
    assert (outcome, evidence) == ("solved", "proof")
