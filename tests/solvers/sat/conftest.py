"""What tests of SAT share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def home_of_builds(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is compiled in a folder that all tests of this run share."""
    monkeypatch.setenv("SLOTFORGE_HOME", str(builds.parent))
