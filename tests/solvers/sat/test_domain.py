"""What results depend on is told in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.solvers.sat.build import Builder
from slotforge.solvers.sat.compiler import compiler
from slotforge.solvers.sat.domain import Sat

FACTS = ("compiler", "flags", "engine", "sandbox_level", "machine", "processor", "system")


def test_the_environment_names_compiler_flags_engine_sandbox_and_machine() -> None:
    told = Sat().environment()
    assert tuple(told) == FACTS
    assert all(told[fact] for fact in FACTS if fact != "processor")
    assert told["compiler"] == compiler().version
    plugin, fused = told["flags"].split("; ")
    assert plugin.startswith("plugin: -std=c++20 ")
    assert fused.startswith("fused: -std=c++20 ")
    assert "-O2" in plugin
    assert "-O3" in fused


def test_options_of_the_compiler_are_among_the_flags_and_part_of_what_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, builder = Builder(tmp_path / "builds"), Builder(tmp_path / "builds")
    monkeypatch.setenv("CXX", f"{compiler().path} -DMORE=1")
    builder.compiler = compiler.__wrapped__()
    source = "struct Mine { bool operator()(const View &view) { return view.conflicts % 5 == 0; } };"
    assert builder.plugin_flags == ("-DMORE=1", *plain.plugin_flags)
    assert builder.fused_flags == ("-DMORE=1", *plain.fused_flags)
    assert builder.plugin("restart_due", source) != plain.plugin("restart_due", source)
