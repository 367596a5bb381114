"""The Python face: what goes in, what comes out, and what is said when it cannot be done."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slotforge.core.errors import SandboxError
from slotforge.solvers.sandbox import Limits, launch, level, popen, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=512)
SESSION = Limits(cpu_s=0, wall_s=0, memory_mb=512)
LEVELS = (3, 2, 1)


def start(path: Path, source: str) -> Path:
    """Compiles a C program."""
    subprocess.run(["cc", "-O1", "-x", "c", "-o", path, "-"], input=source.encode(), check=True)
    return path


def test_output_errors_status_and_costs_come_back():
    outcome = run(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"], profile="run", limits=LIMITS)
    assert (outcome.stdout, outcome.stderr, outcome.exit, outcome.signal) == (b"out\n", b"err\n", 7, None)
    assert outcome.reason == "exited"
    assert 0 < outcome.cpu_s < 1
    assert 0 < outcome.wall_s < 20
    assert outcome.rss_kb > 100
    assert outcome.level == level().number


def test_cpu_time_is_that_of_the_program(tmp_path):
    """The report agrees with what the program itself measures, to a few milliseconds."""
    source = """
    #include <stdio.h>
    #include <time.h>
    int main(void) {
        while (clock() < CLOCKS_PER_SEC / 5) continue;
        printf("%f", (double)clock() / CLOCKS_PER_SEC);
    }"""
    outcome = run([str(start(tmp_path / "burn", source))], profile="run", limits=LIMITS)
    assert float(outcome.stdout) <= outcome.cpu_s <= float(outcome.stdout) + 0.02


@pytest.mark.parametrize("most", LEVELS)
def test_megabytes_pass_both_ways(most):
    data = os.urandom(1 << 20) * 8
    assert run(["cat"], profile="run", limits=LIMITS, stdin=data, max_level=most).stdout == data


def test_an_open_file_can_be_standard_input(tmp_path):
    (tmp_path / "input").write_bytes(b"from a file")
    with open(tmp_path / "input", "rb") as stdin:
        assert run(["cat"], profile="run", limits=LIMITS, stdin=stdin).stdout == b"from a file"


def test_a_program_that_does_not_listen_is_no_error():
    assert run(["true"], profile="run", limits=LIMITS, stdin=bytes(1 << 22)).exit == 0


def test_too_much_output_stops_the_program_and_keeps_the_beginning():
    outcome = run(["yes"], profile="run", limits=LIMITS, output_limit=1001)
    assert outcome.stdout == (b"y\n" * 501)[:1001]
    assert outcome.reason == "output"


def test_output_of_just_the_limit_is_not_too_much():
    outcome = run(["cat"], profile="run", limits=LIMITS, stdin=bytes(1000), output_limit=1000)
    assert (outcome.reason, len(outcome.stdout)) == ("exited", 1000)


def test_of_endless_errors_the_tail_is_kept():
    outcome = run(
        ["sh", "-c", "while :; do echo endless; done >&2"],
        profile="run",
        limits=Limits(cpu_s=0.3, wall_s=20, memory_mb=64),
    )
    assert outcome.reason == "cpu"
    assert 0 < len(outcome.stderr) <= 64 * 1024


def test_a_crash_is_reported_with_its_own_signal(tmp_path):
    program = start(tmp_path / "crash", "#include <stdlib.h>\nint main(void) { abort(); }")
    outcome = run([str(program)], profile="run", limits=LIMITS)
    assert (outcome.exit, outcome.signal, outcome.reason) == (None, 6, "signal")


def test_kept_descriptors_arrive(tmp_path):
    source = """
    #include <stdlib.h>
    #include <unistd.h>
    int main(int n, char **a) { return write(atoi(a[n - 1]), "proof", 5) != 5; }"""
    program = start(tmp_path / "tell", source)
    reader, writer = os.pipe()
    high = os.dup2(writer, 999, inheritable=False)
    os.close(writer)
    try:
        assert run([str(program), str(high)], profile="run", limits=LIMITS, keep_fds=[high]).exit == 0
    finally:
        os.close(high)
    with open(reader, "rb") as proof:
        assert proof.read() == b"proof"


@pytest.mark.parametrize("most", LEVELS)
def test_named_files_and_links_can_be_read(most):
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        folder.chmod(0o755)
        (folder / "formula").write_text("p cnf 0 0")
        (folder / "link").symlink_to(folder / "formula")
        reads = [folder / "formula", folder / "link"]
        outcome = run(["cat", *map(str, reads)], profile="run", limits=LIMITS, reads=reads, max_level=most)
        assert outcome.stdout == b"p cnf 0 0" * 2
    finally:
        for path in list(folder.iterdir()):
            path.unlink()
        folder.rmdir()


@pytest.mark.parametrize("most", [3, 2])
def test_a_program_and_its_input_under_a_private_folder_work(tmp_path, most):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    program = start(
        private / "program", '#include <stdio.h>\nint main(int n, char **a) { putchar(getc(fopen(a[n - 1], "r"))); }'
    )
    (private / "input").write_text("x")
    (private / "input").chmod(0o600)
    argv = [str(program), str(private / "input")]
    assert run(argv, profile="run", limits=LIMITS, reads=[private / "input"], max_level=most).stdout == b"x"


def test_root_without_landlock_refuses_a_private_program(tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root changes its user")
    (tmp_path / "private").mkdir(mode=0o700)
    program = start(tmp_path / "private" / "program", "int main(void) { return 0; }")
    with pytest.raises(SandboxError, match="private folders"):
        run([str(program)], profile="run", limits=LIMITS, max_level=1)


def test_a_program_that_does_not_exist_is_named():
    with pytest.raises(SandboxError, match="/nonexistent/program"):
        run(["/nonexistent/program"], profile="run", limits=LIMITS)
    with pytest.raises(SandboxError, match="no-such-program"):
        run(["no-such-program"], profile="run", limits=LIMITS)


def test_a_private_scratch_is_capped_and_gone_afterwards(tmp_path):
    if level().number < 3:
        pytest.skip("a private scratch needs namespaces (level 3)")
    source = """
    #include <stdio.h>
    #include <unistd.h>
    #include <fcntl.h>
    static char block[1 << 16];
    int main(void) {
        long sum = 0, n;
        int file = open("file", O_CREAT | O_WRONLY, 0600);
        while ((n = write(file, block, sizeof block)) > 0) sum += n;
        printf("%ld", sum);
    }"""
    program = start(tmp_path / "fill", source)
    (tmp_path / "scratch").mkdir()
    limits = Limits(cpu_s=5, wall_s=20, memory_mb=256, scratch_mb=2)
    outcome = run([str(program)], profile="run", limits=limits, scratch=tmp_path / "scratch")
    assert 1 << 20 < int(outcome.stdout) <= 2 << 20
    assert not list((tmp_path / "scratch").iterdir())


def test_a_scratch_without_namespaces_is_refused(tmp_path):
    with pytest.raises(SandboxError, match="scratch"):
        run(["true"], profile="run", limits=LIMITS, scratch=tmp_path, max_level=2)


def test_many_threads_share_the_sandbox():
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda i: run(["cat"], profile="run", limits=LIMITS, stdin=b"%d" % i), range(40)))
    assert [int(outcome.stdout) for outcome in outcomes] == list(range(40))
    before = len(os.listdir("/proc/self/fd"))
    run(["true"], profile="run", limits=LIMITS)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("most", LEVELS)
def test_a_session_talks_as_long_as_wanted(most):
    with popen(["cat"], limits=SESSION, max_level=most) as session:
        for i in range(100):
            session.stdin.write(b"%d\n" % i)
            assert session.stdout.readline() == b"%d\n" % i
        session.stdin.close()
        outcome = session.wait(10)
    assert (outcome.exit, outcome.reason) == (0, "exited")


def test_a_session_outlives_the_thread_that_opened_it():
    sessions = []
    thread = threading.Thread(target=lambda: sessions.append(popen(["cat"], limits=SESSION)))
    thread.start()
    thread.join()
    time.sleep(0.1)
    with sessions[0] as session:
        session.stdin.write(b"still here\n")
        assert session.stdout.readline() == b"still here\n"


def test_a_session_can_be_killed_at_any_moment():
    for pause in (0, 0.001, 0.003, 0.1):
        session = popen(["cat"], limits=SESSION)
        time.sleep(pause)
        assert session.kill().reason == "stopped"
        assert not session.running
        assert session.kill() is session.wait()


def test_waiting_too_long_says_so():
    with popen(["cat"], limits=SESSION) as session, pytest.raises(SandboxError, match="not ended"):
        session.wait(0.05)


def test_a_session_of_a_missing_program_says_so_at_its_end():
    session = popen(["/nonexistent/program"], limits=SESSION)
    for _ in range(2):
        with pytest.raises(SandboxError, match="/nonexistent/program"):
            session.wait(10)


@pytest.mark.parametrize("most", [3, 2])
def test_a_server_has_threads_and_the_environment_that_it_was_given(tmp_path, most):
    source = """
    #include <pthread.h>
    #include <stdio.h>
    #include <stdlib.h>
    static void *say(void *word) { puts(word); return NULL; }
    int main(void) {
        pthread_t thread;
        return pthread_create(&thread, NULL, say, getenv("WORD")) || pthread_join(thread, NULL);
    }"""
    program = start(tmp_path / "threads", source)
    word = {"WORD": "given"}
    with popen([str(program)], limits=SESSION, profile="serve", environment=word, max_level=most) as session:
        assert session.stdout.readline() == b"given\n"
        assert session.wait(10).exit == 0


def test_the_level_is_found_by_attacking():
    assert level().number in LEVELS
    assert "seccomp" in level().layers
    assert level(max_level=1).number == 1
    assert level(max_level=0, allow_unsafe=True).number == 0
    assert level().advice


def test_level_zero_is_refused_unless_allowed():
    with pytest.raises(SandboxError, match="--allow-unsafe-sandbox"):
        run(["true"], profile="run", limits=LIMITS, max_level=0)
    assert run(["true"], profile="run", limits=LIMITS, max_level=0, allow_unsafe=True).level == 0


def test_other_systems_are_refused_with_advice(monkeypatch):
    launch.find_launcher.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="Linux"):
        launch.find_launcher()
    launch.find_launcher.cache_clear()


def test_a_missing_launcher_is_refused_with_advice(monkeypatch):
    launch.find_launcher.cache_clear()
    monkeypatch.setattr(launch, "PROGRAM", "slotforge-absent")
    with pytest.raises(SandboxError, match="install"):
        launch.find_launcher()
    launch.find_launcher.cache_clear()


def test_the_launcher_explains_bad_use():
    for words, line in (
        (["--profile", "other"], "--profile is run, compile or serve, not 'other'"),
        (["--profile", "run"], "the program is missing"),
        (["--profile", "run", "--cpu", "x", "--", "/bin/true"], "--cpu needs seconds, not 'x'"),
        (["--profile", "run", "--keep-fd", "77", "--", "/bin/true"], "--keep-fd 77 is not open"),
        (["--profile", "run", "--set", "word", "--", "/bin/true"], "--set needs NAME=VALUE, not 'word'"),
        (["--profile", "serve", "--scratch", "/tmp", "--", "/bin/true"], "profile serve writes nowhere"),
    ):
        ended = subprocess.run([launch.find_launcher(), *words], capture_output=True, check=False)
        assert ended.returncode == 125
        assert line in ended.stderr.decode()
