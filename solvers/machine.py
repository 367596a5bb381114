"""The machine that measures: what results must say of it, and whether it may run what it cannot confine."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def facts() -> dict[str, str]:
    """Describe sandbox, machine, its processor and system."""
    from slotforge.solvers import sandbox

    return {
        "sandbox_level": str(sandbox.level(allow_unsafe=unsafe_allowed()).number),
        "machine": platform.machine(),
        "processor": processor(),
        "system": platform.platform(),
    }


def unsafe_allowed() -> bool:
    """Whether the user accepts to run candidates where this machine cannot confine them."""
    return os.environ.get("SLOTFORGE_ALLOW_UNSAFE_SANDBOX") == "1"


def processor() -> str:
    """Name the processor as the kernel does, or as Python does where the kernel says nothing."""
    told = CPUINFO.read_text(errors="replace") if CPUINFO.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found[1].strip() if found else platform.processor()
