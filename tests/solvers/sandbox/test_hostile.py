"""Every attack is stopped: started by root and by an ordinary user, at every level that promises it.

Each attack also runs without the sandbox, where it must succeed; otherwise its test could not fail.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

ALL = (3, 2, 1)
CONFINED = (3, 2)
EVERY = ("run", "compile", "serve", "copy")
WRITELESS = [(level, profile) for profile in ("run", "serve", "copy") for level in ALL]
WRITELESS += [(level, "compile") for level in CONFINED]
ALONE = ("run", "copy")
NOT_WRITING = ("run", "serve", "copy")


@pytest.fixture
def contacts(caller) -> Iterator[tuple[list[str], Callable[[], bool]]]:
    """TCP, UDP and unix listeners; the arguments that name them, and whether anybody came."""
    path = str(caller.ground / "listener")
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    local = socket.socket(socket.AF_UNIX)
    for end, address in ((tcp, ("127.0.0.1", 0)), (udp, ("127.0.0.1", 0)), (local, path)):
        end.bind(address)
        end.settimeout(0)
    os.chmod(path, 0o777)
    tcp.listen()
    local.listen()

    def came(attempt: Callable[[], object]) -> bool:
        try:
            attempt()
        except BlockingIOError:
            return False
        return True

    def contacted() -> bool:
        found = [
            came(lambda: tcp.accept()[0].close()),
            came(lambda: udp.recv(16)),
            came(lambda: local.accept()[0].close()),
        ]
        return any(found)

    yield [str(tcp.getsockname()[1]), str(udp.getsockname()[1]), path], contacted
    for end in (tcp, udp, local):
        end.close()


@pytest.mark.parametrize("profile", ALONE)
@pytest.mark.parametrize("level", ALL)
def test_a_fork_bomb_starts_no_process(caller, level, profile):
    assert caller.bare("fork_bomb")
    ended = caller.sandboxed("fork_bomb", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize("profile", NOT_WRITING)
@pytest.mark.parametrize("level", ALL)
def test_a_disk_fill_writes_nothing_where_there_is_no_scratch(caller, level, profile):
    assert caller.bare("disk_fill", str(caller.ground))
    for place in caller.ground.glob("fill-*"):
        place.unlink()
    for folder in (str(caller.ground), "/tmp", "/dev/shm", "."):
        ended = caller.sandboxed("disk_fill", folder, level=level, profile=profile)
        assert ended.alive
        assert not ended.harm
    assert not list(caller.ground.glob("fill-*"))


@pytest.mark.parametrize("level", CONFINED)
def test_a_disk_fill_by_a_compiler_stays_in_its_scratch(caller, level):
    scratch = caller.ground / "scratch"
    scratch.mkdir()
    os.chown(scratch, caller.uid, -1)
    for folder in (str(caller.ground), "/tmp", "/dev/shm"):
        ended = caller.sandboxed("disk_fill", folder, level=level, profile="compile", scratch=scratch)
        assert ended.alive
        assert not ended.harm
    assert caller.sandboxed("disk_fill", str(scratch), level=level, profile="compile", scratch=scratch).harm


def private_files(precious: Path) -> list[str]:
    return ["/etc/shadow", f"/proc/{os.getpid()}/environ", str(precious / ".ssh" / "id_rsa")]


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", CONFINED)
def test_no_file_of_others_can_be_read(caller, precious, level, profile):
    paths = [
        *private_files(precious),
        "/etc/passwd",
        str(precious / "precious"),
        "/proc/self/environ",
        "/proc/1/environ",
    ]
    assert len(caller.bare("read_files", *paths)) >= 4
    ended = caller.sandboxed("read_files", *paths, level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize("profile", EVERY)
def test_roots_private_files_cannot_be_read_even_without_landlock(caller, precious, profile):
    if caller.name != "root":
        pytest.skip("an ordinary user's private files need Landlock, hence level 2")
    assert len(caller.bare("read_files", *private_files(precious))) == 3
    ended = caller.sandboxed("read_files", *private_files(precious), level=1, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_the_environment_holds_no_secret(caller, level, profile):
    assert "HARM SLOTFORGE_SECRET=key" in caller.bare("environment")
    ended = caller.sandboxed("environment", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize("level", ALL)
def test_descriptors_do_not_leak(caller, level, tmp_path):
    leaks = [os.open(tmp_path / f"leak-{i}", os.O_CREAT | os.O_RDWR) for i in range(3)]
    high = os.dup2(leaks[0], 700)
    program = str(caller.programs / "descriptors")
    argv = [caller.launcher, "--profile", "run", "--level", str(level), "--", program]
    try:
        for leak in (*leaks, high):
            os.set_inheritable(leak, True)
        with caller.popen([program], close_fds=False) as process:
            assert b"HARM" in process.communicate()[0]
        with caller.popen(argv, close_fds=False) as process:
            output = process.communicate()[0]
    finally:
        for leak in (*leaks, high):
            os.close(leak)
    assert output == b"done\n"


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_no_connection_is_made(caller, contacts, level, profile):
    args, contacted = contacts
    assert len(caller.bare("connect", *args)) == 4
    assert contacted()
    while contacted():
        pass
    ended = caller.sandboxed("connect", *args, level=level, profile=profile)
    assert ended.alive
    assert not ended.harm
    assert not contacted()


@pytest.mark.parametrize("level", ALL)
@pytest.mark.parametrize(("limits", "reason"), [({"cpu_s": 0.3}, "cpu"), ({"wall_s": 0.4}, "wall")])
def test_an_endless_loop_that_ignores_signals_ends_at_its_limit(caller, level, limits, reason):
    ended = caller.sandboxed("loop", level=level, **limits)
    assert ended.alive
    assert (ended.report["reason"], ended.report["signal"]) == (reason, 9)
    assert 0.0 < ended.report["cpu_us"] / 1e6 < 1.0


@pytest.mark.parametrize("profile", ALONE)
@pytest.mark.parametrize("level", ALL)
def test_a_sleeper_of_another_session_cannot_be_left_behind(caller, survivors, level, profile):
    word = uuid4().hex
    ended = caller.sandboxed("sleeper", word, level=level, profile=profile)
    assert ended.alive
    assert not survivors(word)


@pytest.mark.parametrize("profile", ["compile", "serve"])
@pytest.mark.parametrize("mode", ["leave", "stay"])
@pytest.mark.parametrize("level", [*ALL, 0])
def test_no_process_of_a_compiler_or_server_outlives_it(caller, survivors, level, mode, profile):
    word = uuid4().hex
    start = time.monotonic()
    ended = caller.sandboxed("sleeper", word, mode, level=level, profile=profile, wall_s=0.5)
    assert "forked" in ended.stdout
    assert ended.report["reason"] == ("wall" if mode == "stay" else "exited")
    assert time.monotonic() - start < 30  # of the 60 s that it would sleep
    assert not survivors(word)


@pytest.mark.parametrize("killed", ["launcher", "its parent"])
@pytest.mark.parametrize("profile", ["run", "compile", "serve"])
@pytest.mark.parametrize("level", ALL)
def test_the_tree_dies_with_the_launcher_and_with_its_caller(caller, survivors, level, profile, killed):
    word = uuid4().hex
    program = str(caller.programs / ("loop" if profile == "run" else "sleeper"))
    argv = [caller.launcher, "--profile", profile, "--level", str(level), "--wall", "60", "--", program, word, "stay"]
    if killed == "its parent":
        argv = ["/bin/sh", "-c", '"$@" & wait', "sh", *argv]
    with caller.popen(argv) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert survivors(word)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 60
        while survivors(word) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not survivors(word)


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_a_memory_bomb_meets_its_limit(caller, level, profile):
    assert caller.bare("memory_bomb")
    ended = caller.sandboxed("memory_bomb", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm
    assert ended.report["reason"] == "memory"


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_no_other_process_can_be_signalled(caller, victim, level, profile):
    ended = caller.sandboxed("kill_others", victim.pid, str(os.getpid()), level=level, profile=profile)
    parent = caller.sandboxed("kill_others", level=level, profile=profile)
    owner = caller.sandboxed("fcntl_owner", victim.pid, level=level, profile=profile)
    assert ended.alive
    assert parent.alive
    assert owner.alive
    assert not ended.harm
    assert not parent.harm
    assert not owner.harm
    assert victim.unharmed()
    assert len(caller.bare("kill_others", victim.pid)) == 4
    assert caller.bare("fcntl_owner", victim.pid)
    assert victim.comes_to_harm()


@pytest.mark.parametrize("level", ALL)
def test_a_copy_cannot_kill_the_server_or_others(caller, victim, level):
    for args in ([victim.pid], []):
        ended = caller.sandboxed("kill_hard", *args, level=level, profile="copy")
        assert ended.alive
        assert not ended.harm
        assert ended.report["exit"] == 0
    assert victim.unharmed()
    assert caller.bare("kill_hard", victim.pid)
    assert victim.comes_to_harm()


@pytest.mark.parametrize("level", [3])
def test_a_server_kills_only_within_its_own_process_tree(caller, victim, level):
    ended = caller.sandboxed("kill_hard", victim.pid, level=level, profile="serve")
    assert ended.alive
    assert not ended.harm
    assert victim.unharmed()


@pytest.mark.parametrize("level", ALL)
def test_a_copy_takes_nothing_back_that_it_gave_up(caller, level):
    assert len(caller.bare("loosen")) == 4
    ended = caller.sandboxed("loosen", level=level, profile="copy")
    assert ended.alive
    assert not ended.harm


DAMAGE = ["write_outside", "rename_files"]


@pytest.mark.parametrize("program", DAMAGE)
@pytest.mark.parametrize(("level", "profile"), WRITELESS)
def test_nothing_outside_can_be_written(caller, precious, program, level, profile):
    before = sorted(os.listdir(precious))
    precious.chmod(0o777)
    (precious / "precious").chmod(0o666)
    ended = caller.sandboxed(program, str(precious), level=level, profile=profile)
    assert ended.alive
    assert not ended.harm
    assert sorted(os.listdir(precious)) == before
    assert (precious / "precious").read_text() == "precious"
    assert len(caller.bare(program, str(precious))) >= 3


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_modes_and_owners_stay(caller, precious, level, profile):
    target = precious / "precious"
    before = target.stat()
    ended = caller.sandboxed("change_modes", str(target), level=level, profile=profile)
    assert ended.alive
    assert not ended.harm
    assert target.stat() == before
    assert len(caller.bare("change_modes", str(target))) >= 3


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_no_other_process_can_be_traced_or_read(caller, victim, level, profile):
    read = caller.sandboxed("read_memory", victim.pid, victim.address, level=level, profile=profile)
    traced = caller.sandboxed("trace", victim.pid, level=level, profile=profile)
    assert read.alive
    assert traced.alive
    assert not read.harm
    assert not traced.harm
    assert victim.unharmed()
    assert caller.bare("read_memory", victim.pid, victim.address)
    assert caller.bare("trace", victim.pid)


@pytest.mark.parametrize("profile", NOT_WRITING)
@pytest.mark.parametrize("level", ALL)
def test_no_other_program_can_be_started(caller, level, profile):
    assert caller.bare("exec_shell")
    ended = caller.sandboxed("exec_shell", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize(("level", "profile"), WRITELESS)
def test_no_device_can_be_opened_to_write(caller, level, profile):
    assert caller.bare("devices")
    ended = caller.sandboxed("devices", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_ways_into_the_kernel_are_closed(caller, level, profile):
    assert caller.bare("kernel_calls")
    ended = caller.sandboxed("kernel_calls", level=level, profile=profile)
    assert ended.alive
    assert not ended.harm


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86_64 has system calls of other architectures")
@pytest.mark.parametrize("profile", EVERY)
@pytest.mark.parametrize("level", ALL)
def test_system_calls_of_another_architecture_kill(caller, level, profile):
    ended = caller.sandboxed("foreign_calls", level=level, profile=profile)
    assert not ended.harm
    assert ended.report["signal"] is not None


def test_servers_have_a_user_of_their_own(caller):
    if caller.name != "root":
        pytest.skip("only root changes its user")
    for profile, user in (("run", b"65534\n"), ("serve", b"65533\n")):
        with caller.popen([caller.launcher, "--profile", profile, "--", "/usr/bin/id", "-u"]) as process:
            assert process.communicate()[0] == user


def test_root_gives_up_root(caller):
    if caller.name != "root":
        pytest.skip("only root has something to give up")
    assert all("user" in caller.sandboxed("environment", level=level).report["layers"] for level in ALL)
    assert subprocess.run(["id", "-u"], capture_output=True, check=True).stdout == b"0\n"
