"""What the cluster has that searches use, seen from outside: nobody joins it to look.

    python -m slotforge.search.executors._cluster

is the process that looks, for Ray waits long for a cluster that is silent, and may end the process that it waits in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from slotforge.core.types import Record
from slotforge.search.executors import _node
from slotforge.search.executors._environment import secret

ADDRESS = "RAY_ADDRESS"
PATIENCE_S = 20.0
ALONE = f"${ADDRESS} is not set: each search starts Ray on the machine of its server"


class Node(Record):
    """A node.

    name: its host, and its address.
    here: whether it is on the machine that looks.
    resources: what it has of each, such as CPU, in all.
    sandbox_level: as the last worker found it; None where none has worked there yet.
    facts: what else it found: versions, compiler and engine, and the processor.
    """

    id: str
    name: str
    alive: bool
    here: bool
    resources: Mapping[str, float]
    sandbox_level: int | None
    facts: Mapping[str, str] = {}


class Cluster(Record):
    """The cluster of searches.

    address: None where each search starts Ray for itself.
    why: searches cannot use it, or there are no nodes to list; or empty.
    """

    address: str | None
    nodes: tuple[Node, ...] = ()
    why: str = ""


def look(patience_s: float = PATIENCE_S) -> Cluster:
    """Look at the cluster at RAY_ADDRESS, in a process of its own."""
    address = os.environ.get(ADDRESS)
    if not address or address == "local":
        return Cluster(address=None, why=ALONE)
    everything = os.environ.items()
    environment = {name: value for name, value in everything if name == _node.CLUSTER or not secret(name, value)}
    command = [sys.executable, "-P", "-m", "slotforge.search.executors._cluster", address]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, env=environment, cwd="/")
    except subprocess.TimeoutExpired:
        return Cluster(address=address, why=f"{address} does not answer within {patience_s:g} s: is Ray well there?")
    except OSError as error:
        return Cluster(address=address, why=f"{address} cannot be asked ({error}): try again")
    if asked.returncode:
        said = asked.stderr.strip().splitlines() or [f"the process that asked ended with {asked.returncode}"]
        return Cluster(address=address, why=f"{address} cannot be asked ({said[-1]}): is Ray well here?")
    return Cluster.model_validate_json(asked.stdout.splitlines()[-1])


def main() -> None:
    """Print what there is."""
    from slotforge.search.executors import ray

    print(ray.look(sys.argv[1]).model_dump_json())


if __name__ == "__main__":
    main()
