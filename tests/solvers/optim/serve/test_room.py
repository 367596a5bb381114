"""As many processes of rules live at once as there is memory for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slotforge.solvers.optim.serve.room import EACH_MB, FEWEST, MOST, alive

CPUS = len(os.sched_getaffinity(0))
PLENTY_MB = 10**6


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return a machine whose memory may be changed."""
    memory = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": PLENTY_MB * 256 * CPUS}
    monkeypatch.setattr(os, "sysconf", memory.__getitem__)
    return memory


@pytest.mark.parametrize(("each_mb", "count"), [(1, FEWEST), (EACH_MB * (FEWEST + 1), FEWEST + 1), (PLENTY_MB, MOST)])
def test_as_many_live_as_there_is_memory_for_each_cpu(machine: dict[str, int], each_mb: int, count: int) -> None:
    machine["SC_PHYS_PAGES"] = each_mb * 256 * CPUS
    assert alive("cpu", ()) == count


def test_a_container_has_no_more_than_it_is_given(machine: dict[str, int], tmp_path: Path) -> None:
    assert machine
    limit, word, missing = tmp_path / "limit", tmp_path / "word", tmp_path / "missing"
    limit.write_text(f"{EACH_MB * (FEWEST + 2) * CPUS << 20}\n")
    word.write_text("max\n")
    assert alive("cpu", (missing, word)) == MOST
    assert alive("cpu", (missing, word, limit)) == FEWEST + 2


def test_few_live_on_an_accelerator(machine: dict[str, int]) -> None:
    assert machine
    assert alive("cuda", ()) == FEWEST
