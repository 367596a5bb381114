"""Starting the zygote in the sandbox: what it may read, and the environment that makes its answers repeatable."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from slotforge.core.errors import SandboxError
from slotforge.solvers import sandbox
from slotforge.solvers.optim.serve.room import alive
from slotforge.solvers.sandbox.installed import installed

UNLIMITED = sandbox.Limits(cpu_s=0, wall_s=0, memory_mb=0)

DEVICES = ("/dev/urandom", "/proc/cpuinfo", "/sys/devices/system/cpu")
"""What XLA reads besides its libraries."""

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false --xla_cpu_parallel_codegen_split_count=1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

ONE_THREAD = {"NPROC": "1"}
"""How many threads XLA's pool has on a CPU: with as many as cores, sums are rounded otherwise on another machine, and a
step of a small network takes up to 1.6 times the CPU time."""


def start(answer: str, paths: Sequence[Path], allow_unsafe: bool, max_level: int) -> tuple[sandbox.Session, int]:
    """Start the zygote.

    Args:
        answer: MODULE:FUNCTION that is to answer.
        paths: folders with further modules.
        allow_unsafe: run even where the sandbox cannot contain it.
        max_level: use no more layers than this level has.

    Returns:
        The session, whose standard input does not block, and the sandbox level.

    Raises:
        SandboxError: it would not be contained.
    """
    platforms = os.environ.get("JAX_PLATFORMS") or "cpu"
    if platforms != "cpu" and not allow_unsafe:
        raise SandboxError(
            f"the drivers of JAX_PLATFORMS={platforms} make calls that the sandbox refuses: use cpu, or accept the "
            "risk with --allow-unsafe-sandbox"
        )
    most = max_level if platforms == "cpu" else 0
    session = sandbox.popen(
        [sys.executable, "-s", "-P", "-B", "-m", "slotforge.solvers.optim.serve.zygote", answer, str(alive(platforms))],
        limits=UNLIMITED,
        profile="serve",
        reads=[*installed(), *paths, *map(Path, DEVICES)],
        environment=_environment(platforms, paths),
        allow_unsafe=allow_unsafe,
        max_level=most,
    )
    os.set_blocking(session.stdin.fileno(), False)
    return session, sandbox.level(allow_unsafe=allow_unsafe, max_level=most).number


def _environment(platforms: str, paths: Sequence[Path]) -> dict[str, str]:
    found = {**ENVIRONMENT, **(ONE_THREAD if platforms == "cpu" else {}), "JAX_PLATFORMS": platforms}
    if paths:
        found["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    if platforms != "cpu" and "CUDA_VISIBLE_DEVICES" in os.environ:
        found["CUDA_VISIBLE_DEVICES"] = os.environ["CUDA_VISIBLE_DEVICES"]
    return found
