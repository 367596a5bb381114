"""What a worker does before its first call: forget keys, and say whether its node may measure."""

from __future__ import annotations

import os

from slotforge import __version__
from slotforge.search.proposers._endpoint import SECRET_NAME
from slotforge.solvers.sandbox.level import level

UNSAFE = "SLOTFORGE_ALLOW_UNSAFE_SANDBOX"
WANTED = "SLOTFORGE_SANDBOX_LEVEL"
CLUSTER = "RAY_AUTH_TOKEN"  # by which the parts of a cluster know each other


def wanted() -> int:
    """Return the sandbox level that nodes must have: as the user wants, else that of this machine."""
    asked = os.environ.get(WANTED)
    return int(asked) if asked else level(allow_unsafe=True).number


def enter(wanted: int, version: str, unsafe: bool, name: str) -> str:
    """Make this process a worker.

    Args:
        wanted: sandbox level.
        version: of slotforge, in the driver.
        unsafe: whether candidates may run where nothing confines them.
        name: what to call this node.

    Returns:
        Why it may not be one, in one line, or nothing.
    """
    for secret in [name for name in os.environ if SECRET_NAME.search(name) and name != CLUSTER]:
        del os.environ[secret]
    if unsafe:
        os.environ[UNSAFE] = "1"
    if version != __version__:
        return f"node {name} has slotforge {__version__}, and the driver {version}: install the same on both"
    found = level(allow_unsafe=True)
    if found.number >= wanted:
        return ""
    advice = f"mend that, or accept it with --sandbox-level {found.number}"
    return f"node {name} has sandbox level {found.number} ({found.advice}), and {wanted} is wanted: {advice}"
