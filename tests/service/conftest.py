"""A store that holds a finished run on the landscape, and the command line to ask about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import Budget, RunConfig
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.report import Report
from slotforge.service.cli import main
from slotforge.testing import landscape


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """Return the one line on stderr of a command that failed."""
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("slotforge: ")
        return lines[0]


Command = Callable[..., Answer]


@dataclass(frozen=True)
class Found:
    """A store with a run, and its report."""

    store: Path
    report: Report

    @property
    def winner(self) -> str:
        return self.report.best.candidate

    @property
    def baseline(self) -> str:
        return self.report.baseline.candidate


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a home, in which there is nothing but what other tests have compiled."""
    (home := tmp_path / "home").mkdir()
    for compiled in (builds, builds.with_name("jax")):
        (home / compiled.name).symlink_to(compiled)
    monkeypatch.setenv("SLOTFORGE_HOME", str(home))
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def run(*arguments: object) -> Answer:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture
def python_main() -> list[str]:
    """Return the command that starts slotforge in a process of its own."""
    return [sys.executable, "-c", "from slotforge.service.cli import main; main()"]


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Discover once, with failures among the trials."""
    config = RunConfig(
        domain=landscape.NAME,
        instances=("hills", "dunes"),
        budget=Budget(evals=40),
        executor="inline",
        options={"per_family": 25},
    )
    store = tmp_path_factory.mktemp("found") / "store.db"
    with pytest.MonkeyPatch.context() as patch, open_store(store) as opened:
        patch.setattr(landscape.Landscape, "vary", _sometimes_bad(landscape.Landscape.vary))
        report = Discovery(config=config, store=opened).run()
    assert report.best.slots
    return Found(store, report)


@pytest.fixture
def copied(found: Found, tmp_path: Path) -> Found:
    """Return a copy of that store that a test may write to."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(found.store.read_bytes())
    return Found(copy, found.report)


def _sometimes_bad(vary: Callable[..., Any]) -> Callable[..., Any]:
    bad = iter(["wrong", "crash", "broken", "2.5", "wrong"])
    calls = iter(range(1_000_000))

    def other(self: landscape.Landscape, request: Any, rng: Any) -> Any:
        source = next(bad, None) if next(calls) % 4 == 3 else None
        return dict.fromkeys(request.slots, source) if source else vary(self, request, rng)

    return other
