"""A search on a cluster of three nodes ends as one without faults, whatever is killed; needs Ray alone.

One cluster serves all tests, for its start takes most of the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from slotforge.core.comparison import Held
from slotforge.core.errors import KillsWorkers, SandboxError, SlotforgeError
from slotforge.core.types import Budget, Candidate, Instance, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search import worker
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.executors import _node, _pool, ray
from slotforge.search.observer import Silent
from slotforge.search.verdict import verdict
from slotforge.solvers.sat import families, instances
from slotforge.testing import drowsy
from slotforge.testing.outcome import outcome
from slotforge.testing.sleepy import Length

from .three_nodes import MEMORY_MB, WORKERS, Nodes

KEY = "sk-planted-0123456789abcdef"
KEYS = ("OPENAI_API_KEY", "HF_TOKEN", "PGPASSWORD")
CONFIG = RunConfig(
    domain=drowsy.NAME,
    instances=(Length(seconds=0.01).spec,),
    budget=Budget(evals=24),
    seed=7,
    workers=WORKERS,
    window=6,
    options={"per_family": 10, "tuned_baseline": False},
)

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("nodes")
    with pytest.MonkeyPatch.context() as patch:
        for name in KEYS:
            patch.setenv(name, KEY)
        patch.setenv("SLOTFORGE_HOME", str(folder / "driver"))
        with ray.simulated(0) as cluster:
            yield Nodes(cluster, [folder / "one", folder / "two"])


@pytest.fixture
def nodes(shared: Nodes) -> Nodes:
    """Return the cluster with both of its nodes, whatever a test before has done to it."""
    while len(shared.evaluators) < len(shared.homes):
        shared.add()
    return shared


@pytest.fixture(scope="module")
def inline(shared: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Searched:  # noqa: ARG001
    """Search in this process, without faults."""
    return searched(tmp_path_factory.mktemp("inline") / "store.db", executor="inline")


def secrets() -> list[str]:
    """Return what of the planted keys this process could tell."""
    environment = Path("/proc/self/environ").read_bytes().decode(errors="replace")
    return [name for name in KEYS if KEY in environment or name in os.environ or name in environment]


def where(instance: Instance) -> tuple[int, str, str, int]:
    """Return this process, its home, the file of an instance, and which one it is."""
    return os.getpid(), os.environ["SLOTFORGE_HOME"], instance.path, Path(instance.path).stat().st_ino


@dataclass
class Faults(Silent):
    """Does something when so many trials have been told."""

    deeds: dict[int, Callable[[], None]] = field(default_factory=dict)

    def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
        self.deeds.pop(trial.number, lambda: None)()


@dataclass(frozen=True)
class Searched:
    """A search that has ended: where it is kept, and what it tried."""

    store: Path
    run: str
    archive: dict[int, tuple[object, ...]]


def searched(where: Path, observer: Silent | None = None, **changes: str) -> Searched:
    with open_store(where) as store:
        job = Discovery(config=CONFIG.model_copy(update=changes), store=store, observer=observer or Silent())
        job.run()
        return Searched(where, job.run_id, archive(store.trials(job.run_id)))


def archive(trials: Any) -> dict[int, tuple[object, ...]]:
    return {
        n: (t.candidate.id, t.state, t.ratio, t.reason, t.parents, [(m.instance, m.cost) for m in t.measurements])
        for n, t in sorted(trials.items())
    }


def test_three_nodes_keep_no_keys_share_no_folder_and_lose_nothing(
    nodes: Nodes, inline: Searched, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The search takes the answers of another one out of its record, and so must be the same, trial by trial."""
    pool = ray.executor(WORKERS)
    try:
        asyncio.run(no_keys(pool))
        asyncio.run(own_files(pool, nodes))
        asyncio.run(murderers(pool))
        asyncio.run(choosy(pool))
    finally:
        pool.close()
    faults = Faults({5: nodes.kill_worker, 10: nodes.remove, 11: nodes.add, 18: nodes.kill_worker})
    replayed = searched(inline.store, faults, executor="ray", model=f"replay:{inline.run}")
    assert replayed.archive == inline.archive
    assert faults.deeds == {}
    monkeypatch.setenv(_node.WANTED, "4")
    unsafe = ray.executor(1)
    try:
        asyncio.run(nobody_is_safe_enough(unsafe))
    finally:
        unsafe.close()
    assert capfd.readouterr().out == ""


async def no_keys(pool: ray.Ray) -> None:
    """Keys stay in the driver."""
    assert set(KEYS) <= set(os.environ)
    assert await asyncio.gather(*(pool.submit(secrets) for _ in range(2 * WORKERS))) == [[]] * 2 * WORKERS


async def own_files(pool: ray.Ray, nodes: Nodes) -> None:
    """Each node gets the file of an instance once, and measures as the driver does."""
    made = [instances.keep(families.generate("sgen:5", 1, n), name=f"{n}", family="sgen") for n in range(3)]
    seen: set[tuple[int, str, str, int]] = set()
    while len(seen) < WORKERS * len(made):  # until each worker has had each of them
        seen |= {*await asyncio.gather(*(pool.submit(where, instance) for _ in range(8) for instance in made))}
    assert {Path(home) for _, home, _, _ in seen} == set(nodes.homes)
    files = {(home, path, file) for _, home, path, file in seen}
    assert len(files) == len({(home, path) for home, path, _ in files}) == len(made) * len(nodes.homes)
    assert all(Path(path).is_relative_to(home) for home, path, _ in files)
    tasks = [(worker.Task(candidate=Candidate(domain="sat"), instance=one, seed=1, prove=True),) for one in made]
    blocks = await asyncio.gather(*(pool.submit(worker.measure, task) for task in tasks))
    told = [[(m.instance, m.cost, m.answer, m.evidence) for m in block.measurements] for block in blocks]
    here = [[(m.instance, m.cost, m.answer, m.evidence) for m in worker.measure(task).measurements] for task in tasks]
    assert told == here


async def murderers(pool: ray.Ray) -> None:
    """What kills its worker each time is given up, and what waited behind it is not."""
    deadly = pool.submit(os.abort)
    others = [pool.submit(abs, -n) for n in range(12)]
    assert await asyncio.gather(*others) == [*range(12)]
    with pytest.raises(KillsWorkers, match=r"^3 workers were lost while it was running"):
        await deadly
    assert pool.losses == {"workers": 3}


async def choosy(pool: ray.Ray) -> None:
    """A node that was refused gets no workers any more."""
    refused, other = sorted(pool.nodes())
    hands = [pool.hire([refused])]
    try:
        begun = await asyncio.wait_for(asyncio.wrap_future(hands[0].begun), 5)
        assert begun.node == other
    except TimeoutError:  # the other one is full, and it waits for that rather than to go where it may not
        pass
    finally:
        hands[0].dismiss()


async def nobody_is_safe_enough(pool: ray.Ray) -> None:
    with pytest.raises(
        SandboxError, match=r"^node \S+ \(\S+\) has sandbox level \d \(.*\), and 4 is wanted: mend that"
    ):
        await pool.submit(abs, 1)


def test_nodes_are_filled_by_memory_as_well_as_by_cpus(nodes: Nodes) -> None:
    pool = ray.executor(WORKERS, MEMORY_MB // 2 + 1)
    hands = [seat.hand for seat in pool._pool._seats]
    try:
        wait(lambda: sum(hand.begun.done() for hand in hands) == len(nodes.homes))
        time.sleep(2)
        first = [hand for hand in hands if hand.begun.done()]
        assert len({hand.begun.result().node for hand in first}) == len(first) == len(nodes.homes) == WORKERS // 2
        first[0].dismiss()
        wait(lambda: sum(hand.begun.done() for hand in hands) == len(first) + 1)
    finally:
        pool.close()


def test_a_worker_that_no_node_has_the_memory_for_is_told_of_and_not_waited_for_for_ever(
    nodes: Nodes,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_pool, "PATIENCE_S", 0.1)
    said = (
        "a worker asks for a CPU and 7.81 GiB of memory, and no node offers more than 5.86 GiB: start Ray with more "
        "(--memory), or ask for less with SLOTFORGE_WORKER_MEMORY_MB"
    )

    async def scene(pool: ray.Ray) -> int:
        return await asyncio.wait_for(pool.submit(abs, -3), 120)

    pool = ray.executor(1, 8000)
    try:
        assert caplog.messages == [said]
        with pytest.raises(SlotforgeError, match=f"^{re.escape(said)}$"):
            asyncio.run(scene(pool))
    finally:
        pool.close()
    monkeypatch.setenv(_node.MEMORY, "100")
    pool = ray.executor(1, 8000)
    try:
        assert asyncio.run(scene(pool)) == 3
    finally:
        pool.close()


ALONE = """
import asyncio
from slotforge.search.executors import ray

async def work(pool):
    return await asyncio.wait_for(pool.submit(abs, -3), 120)

pool = ray.executor(1, 10**9)
print(asyncio.run(work(pool)), pool.ray.get_runtime_context().gcs_address)
pool.close()
"""


def test_without_an_address_ray_is_started_on_this_machine_though_a_cluster_runs_there(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What memory there is does not matter: how many workers there are is what the user says."""
    monkeypatch.delenv("RAY_ADDRESS")
    ended = subprocess.run([sys.executable, "-c", ALONE], timeout=300, check=True, stdout=subprocess.PIPE, text=True)
    answer, address = ended.stdout.split()
    assert answer == "3"
    assert address != nodes.cluster.address


FORMULAS = RunConfig(
    domain="sat",
    instances=("sgen:17",),
    slots=("restart_due", "pick_phase"),
    budget=Budget(evals=4),
    seed=1,
    workers=2,
    window=2,
    executor="inline",
    options={"per_family": 10, "tuned_baseline": False},
)


TIMES: Any = {"cpu_s": True, "stats": {"solve_cpu_s"}}  # of a run


def whole(trials: Mapping[int, Trial]) -> dict[int, dict[str, Any]]:
    """Return all of the trials but times."""
    runs: Any = {"__all__": TIMES}
    left_out: Any = {"run": True, "cpu_s": True, "measurements": runs, "selection": runs}
    return {number: trial.model_dump(exclude=left_out) for number, trial in trials.items()}


def judged(held: Held) -> tuple[object, ...]:
    """Return a verdict as it is without times, and the runs that it rests on."""
    of_costs = verdict(held.pairs, by_cpu=False).model_dump(exclude={"cpu_ratio"})
    runs = [run.model_dump(exclude=TIMES) for pair in held.pairs for run in pair.runs]
    return held.candidate, held.against, held.control, of_costs, runs


def test_a_search_on_formulas_ends_as_inline_and_each_formula_is_put_into_the_object_store_once(
    nodes: Nodes,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search takes the answers of another one out of its record; candidates are compiled on the nodes."""
    puts: list[bytes] = []
    put = sys.modules["ray"].put
    monkeypatch.setattr("ray.put", lambda content: puts.append(content) or put(content))
    with open_store(tmp_path / "store.db") as store:
        run = Discovery(config=FORMULAS, store=store).run().run
        assert puts == []
        replay = FORMULAS.model_copy(update={"executor": "ray", "model": f"replay:{run}"})
        again = Discovery(config=replay, store=store).run().run
        here, there = store.trials(run), store.trials(again)
        mine, other = store.verdicts(run), store.verdicts(again)
    assert whole(there) == whole(here)
    assert [*map(judged, other)] == [*map(judged, mine)] != []
    assert {here[number].state for number in range(1, 5)} == {TrialState.SCORED}
    measured = {m.instance for trial in here.values() for m in (*trial.measurements, *trial.selection)}
    measured |= {one.instance for held in mine for pair in held.pairs for one in pair.runs}
    assert len(puts) == len(set(puts)) == len(measured) == FORMULAS.options["per_family"]


DRIVER = "from slotforge.service.cli import main; main()"


def test_a_driver_that_is_killed_goes_on_with_the_same_result(
    nodes: Nodes,  # noqa: ARG001
    inline: Searched,
    tmp_path: Path,
) -> None:
    store = tmp_path / "killed.db"
    begin = f"""
import os, signal
from pathlib import Path
from slotforge.core.types import RunConfig
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent

class Killer(Silent):
    def told(self, trial, archive):
        if trial.number == 9:
            os.kill(os.getpid(), signal.SIGKILL)

config = RunConfig.model_validate_json({CONFIG.model_copy(update={"executor": "ray"}).model_dump_json()!r})
with open_store({str(store)!r}) as store:
    Discovery(config=config, store=store, observer=Killer()).run()
"""
    killed = subprocess.run([sys.executable, "-c", begin], timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL
    with open_store(store) as opened, opened.reading() as connection:
        run = connection.exec_driver_sql("SELECT id FROM run").scalar()
    command = [sys.executable, "-c", DRIVER, "resume", str(run), "--store", str(store), "--json"]
    report = subprocess.run(command, timeout=300, check=True, stdout=subprocess.PIPE)
    assert json.loads(report.stdout)["state"] == "finished"
    with open_store(store) as opened:
        assert archive(opened.trials(str(run))) == inline.archive


def test_a_call_waits_for_a_node_that_comes_later(nodes: Nodes) -> None:
    """As it does for the autoscaler: the actors that no node has room for are what it is told of."""
    nodes.remove()
    nodes.remove()
    pool = ray.executor(WORKERS)

    async def scene() -> int:
        waiting = pool.submit(abs, -3)
        await asyncio.sleep(3)
        assert not waiting.done()
        nodes.add()
        return await asyncio.wait_for(waiting, 120)

    began = time.monotonic()
    try:
        assert asyncio.run(scene()) == 3
        assert time.monotonic() - began > 3
    finally:
        pool.close()


ORDER = {
    "domain": "packing",
    "instances": ["weibull_1k_100"],
    "budget": {"evals": 4},
    "seed": 1,
    "workers": 2,
    "options": {"per_family": 6, "tuned_baseline": False},
}


def test_a_search_asked_for_through_the_api_is_measured_on_the_nodes_and_ends_as_inline(
    nodes: Nodes, tmp_path: Path
) -> None:
    """Its server has one CPU, and workers for two; what they find of their nodes is shown."""
    store = tmp_path / "served.db"
    with served(store, "--executor", "ray", "--cpus", "1") as client:
        made = client.post("/v1/runs", json=ORDER)
        assert made.status_code == 201, made.text
        run, config = made.json()["id"], RunConfig.model_validate(made.json()["config"])
        assert config.executor == "ray"
        wait(lambda: client.get(f"/v1/jobs/{run}").json()["state"] not in ("queued", "running"))
        cluster = client.get("/v1/system").json()["cluster"]
        page = client.get("/system").text
    assert (cluster["address"], cluster["why"]) == (nodes.cluster.address, "")
    measuring = [node for node in cluster["nodes"] if node["alive"] and node["resources"].get("CPU")]
    assert len(measuring) == len(nodes.homes)
    assert {node["sandbox_level"] for node in measuring} <= {None, _node.own_level()}
    assert _node.own_level() in {node["sandbox_level"] for node in measuring}
    about = _node.about()
    found = [node["facts"] for node in measuring if node["facts"]]
    assert found
    assert all({**facts, "sandbox_level": about["sandbox_level"]} == about for facts in found)
    assert all(node["id"][:10] in page for node in cluster["nodes"])
    assert all(about[name] in page for name in ("python", "ray", "compiler", "engine", "processor"))
    with open_store(store) as opened, open_store(tmp_path / "inline.db") as other:
        assert opened.run(run).state == "finished"
        again = Discovery(config=config.model_copy(update={"executor": "inline"}), store=other).run().run
        assert outcome(opened.trials(run)) == outcome(other.trials(again))


@contextmanager
def served(store: Path, *words: str) -> Iterator[httpx.Client]:
    """Serve a store as `slotforge serve` does."""
    command = [sys.executable, "-c", DRIVER, "serve", "--store", str(store), "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().partition(" on ")[2].split()[0]
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                yield client
        finally:
            process.terminate()


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
