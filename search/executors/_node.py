"""What a worker does before its first call: forget keys, and say whether its node may measure."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version

from slotforge import __version__
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.search import worker
from slotforge.search.executors._environment import secret
from slotforge.solvers import machine
from slotforge.solvers.sandbox.level import level

UNSAFE = "SLOTFORGE_ALLOW_UNSAFE_SANDBOX"
WANTED = "SLOTFORGE_SANDBOX_LEVEL"
MEMORY = "SLOTFORGE_WORKER_MEMORY_MB"
CLUSTER = "RAY_AUTH_TOKEN"  # by which the parts of a cluster know each other


def wanted() -> int:
    """Return the sandbox level that nodes must have: as the user wants, else that of this machine."""
    asked = os.environ.get(WANTED)
    return int(asked) if asked else own_level()


def memory_mb(most: int) -> int:
    """Return the memory that a worker asks of a node: as the user wants, else what a measurement may take at most."""
    asked = os.environ.get(MEMORY)
    if not asked:
        return most
    if not asked.isdecimal():
        raise UsageError(f"{MEMORY}='{asked}': expected MiB, or 0 to ask for none")
    return int(asked)


def own_level() -> int:
    """Return the sandbox level of this machine."""
    return level(allow_unsafe=True).number


def facts() -> dict[str, str]:
    """Return what must be equal on all machines, for their measurements are compared."""
    found = {"slotforge": __version__, **{name: version(name) for name in ("numpy", "jax")}}
    try:
        environment = worker.domain("sat").environment()
    except SlotforgeError as error:  # without a compiler, other domains can be measured
        return {**found, "compiler": f"none ({error})"}
    return {**found, **{name: environment[name] for name in ("engine", "compiler", "flags")}}


def about() -> dict[str, str]:
    """Say what this node is, for whoever looks at the cluster."""
    known = facts()
    return {
        "sandbox_level": str(own_level()),
        "processor": machine.processor(),
        "python": platform.python_version(),
        "ray": version("ray"),
        **{name: known[name] for name in ("slotforge", "compiler", "engine") if name in known},
    }


def enter(wanted: int, expected: Mapping[str, str], unsafe: bool, name: str) -> str:
    """Make this process a worker.

    Args:
        wanted: sandbox level.
        expected: the facts of the driver's machine.
        unsafe: whether candidates may run where nothing confines them.
        name: what to call this node.

    Returns:
        Why it may not be one, in one line, or nothing.
    """
    for hidden in [one for one, value in os.environ.items() if secret(one, value) and one != CLUSTER]:
        del os.environ[hidden]
    if unsafe:
        os.environ[UNSAFE] = "1"
    own = facts()
    if other := next((fact for fact in expected if own.get(fact) != expected[fact]), None):
        return f"node {name} has {other} {own.get(other)}, and the driver {expected[other]}: install the same on both"
    found = level(allow_unsafe=True)
    if found.number >= wanted:
        return ""
    advice = f"mend that, or accept it with --sandbox-level {found.number}"
    return f"node {name} has sandbox level {found.number} ({found.advice}), and {wanted} is wanted: {advice}"
