"""Ray's autoscaler starts nodes for what workers ask for, and stops them after the search; needs Ray alone.

Nodes are processes of this machine, as those of `ray.cluster_utils.AutoscalingCluster`, which itself cannot be used: it
reads a file that the wheel of Ray lacks, and begins by ending all that anybody runs with Ray on the machine.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from slotforge.core.types import Budget, RunConfig
from slotforge.lineage.store import open_store
from slotforge.search import worker
from slotforge.search.discover import Discovery
from slotforge.search.executors import ray
from slotforge.search.executors._cluster import Node
from slotforge.testing.outcome import outcome

HEAD = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"  # as the provider calls it
CONFIG = RunConfig(
    domain="packing",
    instances=("weibull_1k_100",),
    budget=Budget(evals=16),
    seed=1,
    workers=2,
    window=2,
    options={"per_family": 6, "tuned_baseline": False},
)
NOTHING = (
    "cluster_synced_files",
    "initialization_commands",
    "setup_commands",
    "worker_setup_commands",
    "worker_start_ray_commands",
)
MEMORY_MB = 1500  # of a node: one worker, though there are CPUs for four

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@contextmanager
def growing(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a head without CPUs and its autoscaler, for the length of a block; the value is its address."""
    from ray.util import get_node_ip_address

    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    address = f"{get_node_ip_address()}:{port}"
    evaluator = {"CPU": 4, "memory": MEMORY_MB << 20, "object_store_memory": 80 << 20}
    config = {
        **dict.fromkeys(NOTHING, ()),
        "auth": {},
        "file_mounts": {},
        "upscaling_speed": 1.0,
        "cluster_name": "growing",
        "max_workers": 3,
        "idle_timeout_minutes": 0.1,
        "provider": {
            "type": "external",
            "module": "small_nodes.Provider",
            "gcs_address": address,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "evaluator": {"resources": evaluator, "node_config": {}, "min_workers": 0, "max_workers": 3},
        },
        "head_node_type": "ray.head.default",
    }
    file = folder / "autoscaling.json"
    file.write_text(json.dumps(config))
    patch.setenv("PYTHONPATH", str(Path(__file__).parent))
    patch.setenv("RAY_FAKE_CLUSTER", "1")
    patch.setenv("AUTOSCALER_UPDATE_INTERVAL_S", "1")
    head = {"gcs_server_port": port, "env_vars": {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD}}
    session = ""
    try:
        with ray.simulated(0, autoscaling_config=str(file), **head) as cluster:
            session = cluster.folder
            assert cluster.address == address
            yield address
    finally:
        end(session)


def end(session: str) -> None:
    """Kill what nodes that the autoscaler has started have left behind."""
    for process in Path("/proc").glob("[0-9]*") if session else ():
        with suppress(OSError):
            if session.encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def evaluators(address: str) -> list[Node]:
    """Return the nodes that live and have CPUs."""
    return [node for node in ray.look(address).nodes if node.alive and node.resources.get("CPU")]


@contextmanager
def counted(address: str) -> Iterator[list[int]]:
    """Count the evaluators again and again, for the length of a block."""
    counts, over = [0], threading.Event()

    def count() -> None:
        while not over.wait(0.2):
            counts.append(len(evaluators(address)))

    watching = threading.Thread(target=count)
    watching.start()
    try:
        yield counts
    finally:
        over.set()
        watching.join()


def test_nodes_are_started_for_what_workers_ask_for_and_stopped_after_a_search_that_ends_as_inline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 * worker.domain(CONFIG.domain).memory_mb > MEMORY_MB
    with open_store(tmp_path / "store.db") as store, growing(tmp_path, monkeypatch) as address:
        assert evaluators(address) == []
        runs = []
        with counted(address) as counts:
            runs.append(Discovery(config=CONFIG.model_copy(update={"executor": "ray"}), store=store).run().run)
        assert max(counts) == CONFIG.workers
        runs.append(Discovery(config=CONFIG.model_copy(update={"executor": "inline"}), store=store).run().run)
        there, here = (outcome(store.trials(run)) for run in runs)
        assert there == here
        end_by = time.monotonic() + 60
        while evaluators(address):
            assert time.monotonic() < end_by
            time.sleep(0.2)
