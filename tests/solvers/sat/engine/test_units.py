"""The separable parts of the engine, each checked in C++ under sanitizers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .conftest import ENGINE, SANITIZE, compile_cpp

SOURCE = Path(__file__).parent / "units.cpp"
NAMES = re.findall(r"^    UNIT\((\w+)\),$", SOURCE.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the checks."""
    target = tmp_path_factory.mktemp("units") / "units"
    return compile_cpp(target, SOURCE, str(ENGINE / "proof.cpp"), *SANITIZE)


@pytest.mark.parametrize("name", NAMES)
def test_unit(units: Path, name: str) -> None:
    done = subprocess.run([units, name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
