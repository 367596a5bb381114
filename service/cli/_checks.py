"""What slotforge needs of a machine, check by check."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slotforge.core.errors import SlotforgeError

if TYPE_CHECKING:
    from slotforge.service.api.settings import Model, Settings

IMPORT_S = 120.0
MODEL_S = 5.0
TINY = "p cnf 1 2\n1 0\n-1 0\n"
State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found. advice: what to do about it, or empty."""

    name: str
    state: State
    text: str
    advice: str = ""


def findings(settings: Settings) -> Iterator[Finding]:
    """Carry out all checks, with the settings of the service; nothing is made or changed.

    "fail" means that a search without a chat model cannot work, or that the service cannot start.
    """
    from slotforge.service.cli import _service_checks as service

    for name, check in NEEDED.items():
        yield _carried_out(name, "fail", check)
    yield _carried_out("store", "fail", lambda: _store(settings.store))
    yield _carried_out("secrets", "fail", lambda: service.secrets(settings))
    yield _carried_out("keys", "warn", lambda: service.keys(settings))
    for name, check in USEFUL.items():
        yield _carried_out(name, "warn", check)
    yield _carried_out("service", "warn", lambda: service.port(settings))
    if settings.models:
        yield from asyncio.run(_models(settings.models))
    else:
        yield _carried_out("model", "warn", _endpoint)
    if settings.executor == "ray":
        yield _carried_out("cluster", "fail", _cluster)


def _carried_out(name: str, otherwise: State, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (SlotforgeError, OSError, subprocess.SubprocessError) as error:
        what, _, advice = str(error).partition(": ") if isinstance(error, SlotforgeError) else (str(error), "", "")
        return Finding(name=name, state=otherwise, text=what, advice=advice)


def _compiler() -> Finding:
    from slotforge.solvers.machine import unsafe_allowed
    from slotforge.solvers.sat.build import Builder
    from slotforge.solvers.sat.slot import slots

    slot = slots()["restart_due"]
    with tempfile.TemporaryDirectory(prefix="slotforge-") as folder:
        builder = Builder(Path(folder), allow_unsafe=unsafe_allowed())
        found = builder.compiler
        size = builder.plugin(slot.name, slot.default).stat().st_size
    return Finding(name="compiler", state="ok", text=f"{found.version} at {found.path}: made a plug-in of {size} bytes")


def _engine() -> Finding:
    from slotforge.solvers.sat.build import engine

    program = engine()
    asked = subprocess.run([program, "-"], input=TINY, capture_output=True, text=True, timeout=60)
    if asked.returncode != 20:
        return Finding(name="engine", state="fail", text=f"{program} does not solve", advice="install slotforge again")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
    return Finding(name="engine", state="ok", text=f"{version} at {program}")


def _checker() -> Finding:
    from slotforge.solvers.sat import verify

    program = verify.proof_checker()
    with tempfile.TemporaryDirectory(prefix="slotforge-") as folder:
        formula, proof = Path(folder, "tiny.cnf"), Path(folder, "tiny.drat")
        formula.write_text(TINY)
        proof.write_text("0\n")
        verdict = verify.check_proof(formula, proof, time_limit=10)
    if not verdict.verified:
        advice = "install slotforge again"
        return Finding(name="proof checker", state="fail", text=f"{program}: {verdict.reason}", advice=advice)
    return Finding(name="proof checker", state="ok", text=str(program))


def _sandbox() -> Finding:
    from slotforge.solvers.machine import unsafe_allowed
    from slotforge.solvers.sandbox import level

    found = level(allow_unsafe=unsafe_allowed())
    text = f"level {found.number} of 3 ({', '.join(found.layers) or 'no layers'})"
    lacking = "" if found.number == 3 else found.advice
    return Finding(name="sandbox", state="ok" if found.number >= 2 else "warn", text=text, advice=lacking)


def _store(where: str | None) -> Finding:
    from slotforge.lineage.engine import Absent
    from slotforge.lineage.look import look

    try:
        found = look(where)
    except Absent as error:
        return Finding(name="store", state="ok", text=str(error).partition(":")[0], advice="a search makes it")
    tables = f"tables {found.tables}" if found.tables else "without tables"
    return Finding(name="store", state="ok", text=f"{found.name} ({found.database}, {tables})")


def _package(name: str, module: str, without: str) -> Finding:
    """Import a package in a process of its own, so that one that breaks, breaks nothing else."""
    code = f"import {module}; print({module}.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=IMPORT_S)
    if done.returncode == 0:
        return Finding(name=name, state="ok", text=done.stdout.strip().splitlines()[-1])
    last = (done.stderr.strip().splitlines() or ["it cannot be imported"])[-1]
    return Finding(name=name, state="warn", text=last, advice=f"pip install {name}; {without}")


def _cluster() -> Finding:
    from slotforge.search.executors._cluster import look

    found = look()
    if found.address is None:
        advice = "start the service with the address of a cluster's head to use that"
        return Finding(name="cluster", state="warn", text=found.why, advice=advice)
    if found.why:
        text, _, advice = found.why.rpartition(": ")
        return Finding(name="cluster", state="fail", text=text, advice=advice)
    alive = [node for node in found.nodes if node.alive]
    cpus = sum(node.resources.get("CPU", 0) for node in alive)
    text = f"{len(alive)} nodes with {cpus:g} CPUs at {found.address}"
    return Finding(name="cluster", state="ok", text=text)


def _endpoint() -> Finding:
    if not (os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY")):
        advice = "set OPENAI_API_KEY or OPENAI_BASE_URL to use a chat model"
        return Finding(name="model", state="ok", text="offline (no chat model is set up)", advice=advice)
    return asyncio.run(_asked(None, ""))


async def _models(offered: Sequence[Model]) -> list[Finding]:
    """Ask the servers of models that the service offers, all at once."""
    return await asyncio.gather(*(_asked(one.base_url, one.spec) for one in offered))


async def _asked(base_url: str | None, spec: str) -> Finding:
    """Ask the server of a model, or of the environment, for its models."""
    from slotforge.search.proposers._endpoint import probe

    provider, _, name = spec.partition(":")
    if provider not in ("", "openai"):
        return Finding(name="model", state="ok", text=f"{spec} (not asked: another library knows where it is)")
    found, whose = await probe(base_url, timeout_s=MODEL_S), f"{spec}: " if spec else ""
    if found.error:
        return Finding(name="model", state="warn", text=whose + found.error, advice="or search with --model offline")
    if name and found.models and name not in found.models:
        return Finding(name="model", state="warn", text=f"{whose}{found.url} does not offer it")
    some = ", ".join(found.models[:3]) or "no models"
    return Finding(name="model", state="ok", text=f"{whose}{found.url} answers in {found.latency_s:.1f} s ({some})")


NEEDED: dict[str, Callable[[], Finding]] = {
    "compiler": _compiler,
    "engine": _engine,
    "proof checker": _checker,
    "sandbox": _sandbox,
}
USEFUL: dict[str, Callable[[], Finding]] = {
    "ray": lambda: _package("ray", "ray", "without it there is no --executor ray"),
    "python-sat": lambda: _package("python-sat", "pysat", "without it the solver class lacks its formulas"),
}
