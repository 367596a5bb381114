"""Whatever is measured says on which processor."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from slotforge.search import worker
from slotforge.solvers import machine


@pytest.mark.parametrize("name", ["sat", "optim", "packing", "tsp"])
def test_every_domain_tells_of_the_machine(name: str) -> None:
    assert machine.facts().items() <= worker.domain(name).environment().items()


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (
            "processor\t: 0\nmodel\t\t: 2\nmodel name\t: Fast CPU @ 3 GHz \n\nmodel name\t: another\n",
            "Fast CPU @ 3 GHz",
        ),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "by Python"),
        (None, "by Python"),
    ],
)
def test_the_processor_is_named_by_the_kernel_or_else_by_python(
    told: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "by Python")
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    assert machine.facts()["processor"] == name
