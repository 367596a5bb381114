"""Hostile programs, the users who run them, and a ground that everybody can reach."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from slotforge.solvers.sandbox import level
from slotforge.solvers.sandbox.launch import Limits, Profile, Request, command, find_launcher

HOSTILE = Path(__file__).parent / "hostile"
NOBODY = 65534


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program under attack conditions ended: its output and the launcher's report."""

    stdout: str
    stderr: str
    report: dict[str, Any]

    @property
    def harm(self) -> list[str]:
        """What the program says that it achieved."""
        return [line for line in self.stdout.splitlines() if line.startswith("HARM")]

    @property
    def alive(self) -> bool:
        """The program ran; without this, no harm would mean nothing."""
        return "done" in self.stdout.splitlines()


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user who starts the sandbox, with a folder of its own."""

    name: str
    uid: int
    ground: Path
    programs: Path
    launcher: str
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"], "SLOTFORGE_SECRET": "key"})

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Starts a program as this user."""
        other = {} if self.uid == os.getuid() else {"user": self.uid, "group": self.uid, "extra_groups": []}
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": "/"}
        return subprocess.Popen(argv, env=self.environment, **(settings | other | options))

    def bare(self, program: str, *args: str) -> list[str]:
        """What a program achieves without the sandbox."""
        with self.popen([str(self.programs / program), *args]) as process:
            output, _ = process.communicate(timeout=120)
        return [line for line in output.decode().splitlines() if line.startswith("HARM")]

    def command(self, request: Request, report: int) -> list[str]:
        """The launcher's command line, with the launcher that this user can reach."""
        return [self.launcher, *command(request, report)[1:]]

    def sandboxed(
        self,
        program: str,
        *args: str,
        level: int,
        profile: str = "run",
        scratch: Path | None = None,
        cpu_s: float = 5,
        wall_s: float = 10,
    ) -> Ended:
        """Runs a hostile program in the sandbox at a level; profile copy is a confined copy under profile serve."""
        request = Request(
            argv=(str(self.programs / program), *args),
            profile=cast(Profile, "serve" if profile == "copy" else profile),
            environment={"HOSTILE_COPY": "1"} if profile == "copy" else {},
            limits=Limits(cpu_s=cpu_s, wall_s=wall_s, memory_mb=256, file_mb=64, scratch_mb=4),
            scratch=scratch,
            max_level=level,
        )
        report, end = os.pipe()
        with open(report, "rb") as reader:
            with self.popen(self.command(request, end), pass_fds=(end,)) as process:
                os.close(end)
                output, errors = process.communicate(timeout=120)
            line = reader.read()
        return Ended(
            stdout=output.decode(errors="replace"), stderr=errors.decode(), report=json.loads(line) if line else {}
        )


@pytest.fixture(autouse=True)
def possible(request: pytest.FixtureRequest) -> None:
    """Skips what a kernel without Landlock and namespaces cannot promise."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    wanted = parameters.get("level", parameters.get("most", 0))
    if wanted >= 2 and level().number < 2:
        pytest.skip(f"this machine has sandbox level {level().number}: level {wanted} needs Landlock (Linux 5.13)")


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """The hostile programs, compiled, in a folder that every user can read."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.fail("the hostile suite needs a C compiler: install gcc")
    folder = Path(tempfile.mkdtemp(prefix="slotforge-hostile-"))
    folder.chmod(0o755)
    for source in HOSTILE.glob("*.c"):
        target = folder / source.stem
        subprocess.run([compiler, "-O1", "-w", "-D_GNU_SOURCE", "-o", target, source], check=True)
        target.chmod(0o755)
    shutil.copy(find_launcher(), folder / "slotforge-sandbox")
    (folder / "slotforge-sandbox").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["root", "ordinary"])
def caller(request: pytest.FixtureRequest, programs: Path) -> Iterator[Caller]:
    """The sandbox started by root, and by an ordinary user."""
    root = os.getuid() == 0
    if request.param == "root" and not root:
        pytest.skip("only root can start the sandbox as root: run the tests as root as well")
    uid = NOBODY if root and request.param == "ordinary" else os.getuid()
    ground = Path(tempfile.mkdtemp(prefix="slotforge-ground-"))
    ground.chmod(0o755)
    if root:
        os.chown(ground, uid, uid)
    launcher = str(programs / "slotforge-sandbox")
    yield Caller(name=request.param, uid=uid, ground=ground, programs=programs, launcher=launcher)
    shutil.rmtree(ground)


@pytest.fixture
def precious(caller: Caller) -> Path:
    """A folder of the caller with a private file, a fake ssh key, that anybody may replace."""
    folder = caller.ground / "home"
    secret = folder / ".ssh"
    for place in (folder, secret):
        place.mkdir()
        os.chown(place, caller.uid, -1)
    for path, mode in ((folder / "precious", 0o644), (secret / "id_rsa", 0o600)):
        path.write_text("precious")
        path.chmod(mode)
        os.chown(path, caller.uid, -1)
    return folder


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A process of the caller that hostile programs attack."""

    process: subprocess.Popen[bytes]
    pid: str
    address: str

    def unharmed(self) -> bool:
        """It runs and got no signal."""
        os.set_blocking(self.process.stdout.fileno(), False)  # type: ignore[union-attr]
        return self.process.poll() is None and not self.process.stdout.read()  # type: ignore[union-attr]

    def comes_to_harm(self) -> bool:
        """It ends or gets a signal, within the time that a busy machine takes to let it run."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not self.unharmed():
                return True
            time.sleep(0.01)
        return False


@pytest.fixture
def victim(caller: Caller) -> Iterator[Victim]:
    """A running victim."""
    process = caller.popen([str(caller.programs / "victim")], bufsize=0)
    assert process.stdout is not None
    pid, address = process.stdout.readline().decode().split()
    yield Victim(process=process, pid=pid, address=address)
    process.kill()
    process.communicate()


@pytest.fixture
def survivors() -> Callable[[str], list[int]]:
    """Finds processes by a word on their command line."""

    def find(word: str) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if word.encode() in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    return find
