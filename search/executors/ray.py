"""Ray: warm workers on this machine or on a cluster.

Results travel through Ray; only the driver writes to the database. The files of instances travel once to each node,
which keeps them by their content, so that nodes need share no folder.
"""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from slotforge.search import instance_cache
from slotforge.search.executors import _files, _node
from slotforge.search.executors._cluster import Cluster, Node
from slotforge.search.executors._environment import without_secrets
from slotforge.search.executors._pool import Begun, Lost, Pool

log = logging.getLogger("slotforge.workers")

NODE_LABEL = "ray.io/node-id"
FOUND = b"slotforge-node"  # where the cluster keeps what workers find, by node
PATIENCE_S = 5.0  # for each answer to a look
MOST_GONE = 20  # nodes that a look tells of
STRANGER = "this machine is no node of the cluster, and no search can begin here: ray start --num-cpus=0 --address="


Parcel = tuple[str, list[Any]]  # the digest of a file, and where in the object store it is


class Worker:
    """An actor that keeps its imports and caches warm between calls."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}  # path on the driver -> path here

    def begin(self, wanted: int, facts: Mapping[str, str], unsafe: bool) -> Begun:
        """Say where this is, and whether it may work."""
        import ray

        node: str = ray.get_runtime_context().get_node_id()
        name = f"{socket.gethostname()} ({ray.util.get_node_ip_address()})"  # type: ignore[no-untyped-call]
        begun = Begun(node=node, refusal=_node.enter(wanted, facts, unsafe, name))
        kept = ray.experimental.internal_kv
        kept._internal_kv_put(node.encode(), json.dumps(_node.about()).encode(), overwrite=True, namespace=FOUND)
        return begun

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...], parcels: Mapping[str, Parcel]) -> Any:
        """Run a module-level function."""
        for path in parcels.keys() - self._places.keys():
            self._places[path] = str(_received(*parcels[path]))
        return function(*_files.moved(arguments, self._places))


def _received(digest: str, references: list[Any]) -> Path:
    """Return a file of this node with a content, fetched by whoever is first."""
    import ray

    with instance_cache.one_at_a_time():
        return instance_cache.held(digest) or instance_cache.keep(digest, ray.get(references))


class _Hand:
    """An actor."""

    def __init__(self, crew: Ray, actor: Any) -> None:
        self._crew, self._actor = crew, actor
        unsafe = bool(os.environ.get(_node.UNSAFE))
        self.begun: Future[Begun] = crew.heard(actor.begin.remote(crew.wanted, crew.facts, unsafe))

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Future[Any]:
        """Run a function after those before."""
        return self._crew.heard(self._actor.call.remote(function, arguments, self._crew.parcels(arguments)))

    def dismiss(self) -> None:
        """Kill the actor."""
        self._crew.ray.kill(self._actor)


class Ray:
    """A cluster: where actors come from, and what they are sent.

    wanted: the sandbox level that a node must have.
    facts: of this machine, which those of a node must equal.
    needs: what a worker asks of a node, in words.
    """

    def __init__(self, workers: int, memory_mb: int) -> None:
        import ray

        self.ray = ray
        self.wanted, self.facts = _node.wanted(), _node.facts()
        address = os.environ.get("RAY_ADDRESS") or "local"
        own = not ray.is_initialized() and address == "local"
        self._memory = 0 if own else _node.memory_mb(memory_mb) << 20  # on this machine the user has said how many
        self.needs = f"a CPU and {_gib(self._memory)} of memory" if self._memory else "a CPU"
        if not ray.is_initialized():
            with without_secrets() if own else nullcontext():  # to join, the cluster's token is needed
                ray.init(
                    address=address,  # rather than what else of Ray runs on this machine
                    num_cpus=workers if own else None,
                    include_dashboard=False if own else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        _keep_quiet()
        self._actor = ray.remote(num_cpus=1, memory=self._memory, max_restarts=0)(Worker)
        self._sent: dict[str, Parcel] = {}
        self._pool = Pool(self, workers)
        self.submit = self._pool.submit

    @property
    def losses(self) -> Mapping[str, int]:
        """How many "nodes" and "workers" were lost so far."""
        return self._pool.losses

    def close(self) -> None:
        """Stop the actors, and Ray if it was started here."""
        with suppress(Exception):  # what cannot be stopped is gone
            self._pool.close()
        self.ray.shutdown()

    def hire(self, avoid: Collection[str]) -> _Hand:
        """Start an actor, where a CPU and its memory are free; where none are, the autoscaler starts a node for it."""
        selector = {"label_selector": {NODE_LABEL: f"!in({','.join(avoid)})"}} if avoid else {}
        return _Hand(self, self._actor.options(**selector).remote())

    def nodes(self) -> Collection[str]:
        """Name the nodes that live, and have a CPU and the memory of a worker."""
        return {node for node, memory in self._memory_of().items() if memory >= self._memory}

    def lacking(self) -> str:
        """Say that nodes with CPUs have too little memory for a worker, if none has enough."""
        if not self._memory:
            return ""
        most = max(self._memory_of().values(), default=math.inf)
        if most >= self._memory:
            return ""
        return (
            f"a worker asks for {self.needs}, and no node offers more than {_gib(most)}: "
            f"start Ray with more (--memory), or ask for less with {_node.MEMORY}"
        )

    def _memory_of(self) -> Mapping[str, float]:
        """Return the memory that each living node with a CPU offers in all, in bytes."""
        nodes = self.ray.nodes()  # type: ignore[no-untyped-call]
        resources = {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
        return {node: there.get("memory", 0.0) for node, there in resources.items() if there.get("CPU", 0) >= 1}

    def parcels(self, arguments: tuple[object, ...]) -> Mapping[str, Parcel]:
        """Put the files of the instances in the arguments into the object store, each once."""
        paths = set(_files.paths(arguments))
        for path in paths - self._sent.keys():
            with suppress(FileNotFoundError):  # the worker will say so
                self._sent[path] = instance_cache.digest_of(Path(path)), [self.ray.put(Path(path).read_bytes())]
        return {path: self._sent[path] for path in paths if path in self._sent}

    def heard(self, reference: Any) -> Future[Any]:
        """Turn a reference into a future whose errors are those of the function, or Lost."""
        heard: Future[Any] = Future()
        errors = self.ray.exceptions

        def pass_on(done: Future[Any]) -> None:
            if not heard.set_running_or_notify_cancel():
                return
            error = done.exception()
            if isinstance(error, errors.RayTaskError):
                error = error.cause or error
            if error is None:
                heard.set_result(done.result())
            elif isinstance(error, errors.RayError) and not isinstance(error, errors.RayTaskError):
                heard.set_exception(Lost(str(error), process=isinstance(error, errors.ActorDiedError)))
            else:
                heard.set_exception(error)

        reference.future().add_done_callback(pass_on)
        return heard


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"


def _keep_quiet() -> None:
    """Let Ray tell of lost workers in the log, rather than on standard output, which is for the answer of a command."""
    from ray._private import worker

    worker.print_to_stdstream = lambda data, ignore_prefix: log.debug("%s", data["lines"])  # noqa: ARG005


def executor(workers: int, memory_mb: int = 0) -> Ray:
    """Start Ray here, or join the cluster at RAY_ADDRESS, with so many workers.

    Args:
        memory_mb: that each asks of the node that it is on, unless the user wants another.
    """
    return Ray(workers, memory_mb)


def look(address: str) -> Cluster:
    """Ask a cluster what it has, without joining it."""
    from ray._private import services
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.exceptions import RayError

    try:
        head = services.canonicalize_bootstrap_address(address)
        if head is None:
            return Cluster(address=address, why="no cluster was started on this machine: name the head of one")
        host, _, port = head.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
        asked = GcsClient(address=head)
        found = asked.get_all_node_info(timeout=PATIENCE_S)
        told = {id_: asked.internal_kv_get(id_.hex().encode(), FOUND, timeout=PATIENCE_S) for id_ in found}
    except (RayError, OSError, ValueError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]
        return Cluster(address=address, why=f"{address} does not answer ({said}): is it the head of a cluster?")
    here = services.find_node_ids()  # type: ignore[no-untyped-call]
    latest = sorted(found.items(), key=lambda item: -item[1].end_time_ms)
    nodes = [_node_of(id_.hex(), facts, told[id_], here=id_.hex() in here) for id_, facts in latest]
    alive = sorted((node for node in nodes if node.alive), key=lambda node: (node.name, node.id))
    gone = [node for node in nodes if not node.alive][:MOST_GONE]
    why = "" if any(node.here for node in alive) else f"{STRANGER}{address}"
    return Cluster(address=address, nodes=(*alive, *gone), why=why)


def _node_of(id_: str, seen: Any, told: bytes | None, *, here: bool) -> Node:
    """Read what the cluster says of a node, and what a worker has found there."""
    facts = json.loads(told or b"{}")
    level = facts.pop("sandbox_level", None)
    return Node(
        id=id_,
        name=f"{seen.node_manager_hostname} ({seen.node_manager_address})",
        alive=seen.state == 0,
        here=here,
        resources={name: amount for name, amount in seen.resources_total.items() if not name.startswith("node:")},
        sandbox_level=None if level is None else int(level),
        facts=facts,
    )


@contextmanager
def simulated(head: int, *cpus: int, **options: Any) -> Iterator[Any]:
    """Simulate a cluster on this machine for the length of a block, for executors to join; for tests and benchmarks.

    Args:
        head: CPUs of the head.
        cpus: of each other node.
        options: of the head, see `add_node`.
    """
    from ray._common.utils import get_default_ray_temp_dir, try_to_create_directory
    from ray.cluster_utils import Cluster

    home = get_default_ray_temp_dir()  # type: ignore[no-untyped-call]
    try_to_create_directory(home)  # type: ignore[no-untyped-call]  # Ray notes the address there, but makes no folder
    before = os.environ.get("RAY_ADDRESS")
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        cluster: Any = Cluster()
        cluster.folder = folder
        try:
            add_node(cluster, head, **options)
            for count in cpus:
                add_node(cluster, count)
            os.environ["RAY_ADDRESS"] = cluster.address
            yield cluster
        finally:
            if before is None:
                os.environ.pop("RAY_ADDRESS", None)
            else:
                os.environ["RAY_ADDRESS"] = before
            cluster.shutdown()


def add_node(cluster: Any, cpus: int, **options: Any) -> Any:
    """Add a node to a simulated cluster, on ports that nobody else has. options: of `ray.cluster_utils.Cluster`."""
    with without_secrets():
        return cluster.add_node(
            num_cpus=cpus,
            object_store_memory=80 * 2**20,
            include_dashboard=False,
            dashboard_agent_listen_port=None,
            temp_dir=cluster.folder,
            **options,
        )
