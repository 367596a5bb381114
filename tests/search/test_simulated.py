"""A cluster can be simulated on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.search.executors import ray


def test_a_cluster_is_simulated_where_ray_has_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with ray.simulated(1) as cluster:
        assert cluster.address
    assert (tmp_path / "ray").is_dir()
