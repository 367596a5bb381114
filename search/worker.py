"""What runs on a worker: build a candidate and measure it on a block of instances."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from pydantic import Field

from slotforge.core import registry
from slotforge.core.errors import BuildError, SlotforgeError, UsageError
from slotforge.core.seams import Compiles, Domain
from slotforge.core.types import Candidate, Instance, Measurement, Record


class Task(Record):
    """One run to make: see `Domain.measure`."""

    candidate: Candidate
    instance: Instance
    seed: int
    limit: float | None = None
    prove: bool = False
    fused: bool = False


class Block(Record):
    """What came of some tasks: measurements in order, up to the first that disqualifies, or to a build's failure.

    log: what the compiler said, by slot.
    """

    measurements: tuple[Measurement, ...] = ()
    failure: str = ""
    log: Mapping[str, str] = Field(default_factory=dict)


class Code(Record):
    """What a candidate compiles to, or the build's failure, and what the compiler said; see `core.seams.Compiles`."""

    text: str = ""
    failure: str = ""
    log: Mapping[str, str] = Field(default_factory=dict)


@cache
def domain(name: str) -> Domain:
    """Return the domain of a name, made once: `domain()` of slotforge.solvers.NAME.domain, or of "package.module".

    Raises:
        UsageError: it is not installed here.
    """
    module = _module(name) if "." in name else registry.load(f"slotforge.solvers.{name}", "domain")
    made: Domain = module.domain()
    return made


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # what it needs itself is missing
            raise
        raise UsageError(f"the domain {name} is not installed here: install the package that it is of") from None


def measure(tasks: tuple[Task, ...]) -> Block:
    """Carry out tasks in their order; interleaved tasks of two candidates make a paired comparison."""
    measurements: list[Measurement] = []
    log: dict[str, str] = {}
    if missing := next((t.instance for t in tasks if t.instance.path and not Path(t.instance.path).exists()), None):
        raise SlotforgeError(
            f"{missing.path} ({missing.name}) is not on this machine: on a cluster, set SLOTFORGE_HOME to a folder "
            "that all nodes share"
        )
    try:
        for candidate in {task.candidate.id: task.candidate for task in tasks}.values():
            log.update(domain(candidate.domain).build(candidate))
        for task in tasks:
            made = domain(task.candidate.domain).measure(
                task.candidate, task.instance, seed=task.seed, limit=task.limit, prove=task.prove, fused=task.fused
            )
            measurements.append(made)
            if not made.outcome.finished:
                break
    except BuildError as error:
        return Block(measurements=tuple(measurements), failure=str(error), log=log | error.log)
    return Block(measurements=tuple(measurements), log=log)


def codes(candidates: tuple[Candidate, ...]) -> tuple[Code, ...]:
    """Compile candidates, and say what each compiles to; empty where its domain compiles nothing ahead."""
    return tuple(map(_code, candidates))


def _code(candidate: Candidate) -> Code:
    made = domain(candidate.domain)
    try:
        log = made.build(candidate)
        return Code(text=made.code(candidate) if isinstance(made, Compiles) else "", log=log)
    except BuildError as error:
        return Code(failure=str(error), log=error.log)
