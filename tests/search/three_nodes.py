"""The nodes of a simulated cluster, which come, and are killed with what runs on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slotforge.search.executors import ray

WORKERS = 4
MEMORY_MB = 6000  # of a node: one worker for formulas


@dataclass
class Nodes:
    """A head that measures nothing, and two nodes that do, each with a home of its own."""

    cluster: Any
    homes: list[Path]
    evaluators: list[Any] = field(default_factory=list)

    def add(self) -> None:
        home = self.homes[len(self.evaluators) % len(self.homes)]
        there = {"memory": MEMORY_MB << 20, "env_vars": {"SLOTFORGE_HOME": str(home)}}
        self.evaluators.append(ray.add_node(self.cluster, WORKERS // 2, **there))

    def remove(self) -> None:
        """Kill a node with all that runs there."""
        self.cluster.remove_node(self.evaluators.pop(0), allow_graceful=False)

    def kill_worker(self) -> None:
        """Kill -9 one of our actors."""
        raylets = [raylet.process.pid for node in self.evaluators for raylet in node.all_processes["raylet"]]
        os.kill(next(actor for raylet in raylets for actor in actors(raylet)), signal.SIGKILL)


def actors(raylet: int) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(") ")[2].split()[1])
            title = (process / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == raylet and title.startswith(b"ray::Worker"):
            yield int(process.name)
