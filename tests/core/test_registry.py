"""Extensions are listed by the first lines of their docstrings, from any number of threads."""

from __future__ import annotations

import ast
import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotforge.core import registry

PACKAGES = (
    "slotforge.service.cli",
    "slotforge.search.strategies",
    "slotforge.search.executors",
    "slotforge.solvers.sat.families",
    "slotforge.solvers.optim.problems",
    "slotforge.solvers.packing.families",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_summary_of_an_extension_is_the_first_line_of_its_docstring(package: str) -> None:
    found = registry.names(package)
    for path in registry._folder(package).glob("*.py"):
        told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert found.get(path.stem) == (told.splitlines()[0] if told and not path.stem.startswith("_") else None)


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ('"""One line."""\n', "One line."),
        ("'''One\n\nMore.'''\n", "One"),
        ('# a comment\n\nr"""\nBelow the quotes.\n"""\n', "Below the quotes."),
        ('"Short."\n', "Short."),
        ('import os\n"""No docstring."""\n', ""),
        ("", ""),
        ("x = 1\n", ""),
    ],
)
def test_a_docstring_is_found_however_it_is_written(text: str, summary: str, tmp_path: Path) -> None:
    (tmp_path / "extension.py").write_text(text)
    assert registry._summary(tmp_path / "extension.py") == summary


@pytest.fixture
def hasty() -> Iterator[None]:
    """Switch threads, and collect garbage, as often as can be."""

    def collecting(*_: object) -> None:
        sum(range(20))

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(collecting)
    yield
    gc.callbacks.remove(collecting)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


def test_many_threads_list_extensions_at_once(hasty: None) -> None:  # noqa: ARG001
    found: list[object] = []

    def look() -> None:
        try:
            found.extend(len(registry.names(PACKAGES[0])) for _ in range(5))
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [len(registry.names(PACKAGES[0]))] * 30
