"""The compile profile: a compiler works, and what it is fed cannot reach out."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest

from slotforge.solvers.sandbox import Limits, Outcome, level, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

LEVELS = (3, 2)


def build(
    folder: Path, source: str, *options: str, most: int = 3, wall_s: float = 60, memory_mb: int = 2048
) -> Outcome:
    """Compiles a C++ source in a folder."""
    (folder / "slot.cpp").write_text(source)
    limits = Limits(cpu_s=30, wall_s=wall_s, memory_mb=memory_mb)
    argv = ["g++", "-std=c++20", "-O1", *options, "slot.cpp"]
    return run(argv, profile="compile", limits=limits, scratch=folder, max_level=most)


@pytest.mark.parametrize("most", LEVELS)
def test_a_shared_object_is_built_and_works(tmp_path, most):
    outcome = build(tmp_path, 'extern "C" int answer() { return 42; }', "-shared", "-fPIC", "-o", "slot.so", most=most)
    assert outcome.exit == 0, outcome.stderr
    assert ctypes.CDLL(str(tmp_path / "slot.so")).answer() == 42
    assert tmp_path.stat().st_uid == os.getuid()


def test_what_was_built_runs_in_the_run_profile(tmp_path):
    assert build(tmp_path, '#include <cstdio>\nint main() { std::puts("built"); }', "-o", "program").exit == 0
    (tmp_path / "program").chmod(0o755)
    limits = Limits(cpu_s=5, wall_s=20, memory_mb=256)
    assert run([str(tmp_path / "program")], profile="run", limits=limits).stdout == b"built\n"


@pytest.mark.parametrize("most", LEVELS)
@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/proc/self/environ", "/dev/zero", "/dev/mem"])
def test_nothing_outside_can_be_included(tmp_path, most, path):
    outcome = build(tmp_path, f'#include "{path}"\nint x;', "-c", most=most, wall_s=20)
    assert outcome.exit != 0
    assert b"root:" not in outcome.stderr
    assert path.encode() in outcome.stderr


def test_a_template_bomb_is_cut_by_its_limit(tmp_path):
    bomb = (
        "template <int N, int M> struct B { static constexpr int v = B<N - 1, M * 2>::v + B<N - 1, M * 2 + 1>::v; };\n"
    )
    bomb += "template <int M> struct B<0, M> { static constexpr int v = 1; };\nint x = B<24, 1>::v;\n"
    outcome = build(tmp_path, bomb, "-c", wall_s=1.5, memory_mb=512)
    assert outcome.exit != 0
    assert outcome.wall_s < 5


@pytest.mark.parametrize("most", LEVELS)
def test_the_outcome_holds_the_compilers_words_and_the_cost_of_its_processes(tmp_path, most):
    outcome = build(tmp_path, "int x = nonsense;", "-c", most=most)
    assert outcome.exit == 1
    assert b"nonsense" in outcome.stderr
    assert outcome.cpu_s > 0.004
    assert outcome.level == min(most, level().number)
