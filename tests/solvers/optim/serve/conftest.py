"""Workers whose candidates do what a test asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from slotforge.solvers.optim.serve.workers import Reply, Workers
from slotforge.solvers.sandbox import level

INSIDE = Path(__file__).parent / "inside"


class Toys(Workers):
    """Workers whose candidates do what they are told."""

    def do(self, what: str, given: Any = None, *, candidate: str = "one", **limits: Any) -> Reply:
        """Asks a candidate to do something."""
        known: dict[str, Any] = {"wall_s": 30, "cpu_s": 20, "memory_mb": 1024}
        return self.ask(candidate, {"do": what, "with": given}, **(known | limits))


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Callable[..., Toys]]:
    """Makes workers with compiled programs of their own, by default; closes them at the end."""
    with ExitStack() as stack:

        def make(answer: str = "toy:answer", **options: Any) -> Toys:
            made = Toys(answer, **({"paths": [INSIDE], "kept": tmp_path / "kept"} | options))
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(scope="session")
def inside() -> Path:
    """The folder with the module that runs inside."""
    return INSIDE


@pytest.fixture(scope="module", params=[3, 2], ids=["level3", "level2"])
def most(request: pytest.FixtureRequest) -> int:
    """A sandbox level that this machine has."""
    if level().number < request.param:
        pytest.skip(f"this machine has sandbox level {level().number}")
    return int(request.param)


@pytest.fixture(scope="module")
def do(most: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Reply]]:
    """Asks candidates of workers that a module shares."""
    workers = Toys("toy:answer", paths=[INSIDE], max_level=most, kept=tmp_path_factory.mktemp("kept"))
    yield workers.do
    workers.close()
