"""Exports through the API: what is downloaded works, and nothing of a request reaches a path."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from slotforge.core.errors import BuildError, UnknownId, UsageError
from slotforge.core.types import Candidate, Instance, RunConfig, Suite, Trial, TrialState
from slotforge.lineage import suites
from slotforge.lineage.service_schema import Blob, BlobPart
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import apart, builder, shelf
from slotforge.service.artefacts.compilation import Compilation, Compiled, _again
from slotforge.solvers.optim import builtin
from slotforge.solvers.sat.domain import domain

from .conftest import PROBLEM, Make, Site

FORMULA = "p cnf 3 3\n1 2 0\n-1 3 0\n-2 -3 0\n"


@pytest.fixture
def empty(make: Make, tmp_path: Path) -> Site:
    return make(tmp_path / "empty.db")


def known(store: SqlStore, candidate: Candidate) -> str:
    """Let a store know a candidate by a trial."""
    suite = Suite(search=(Instance(id="a", name="a", family="f", path=""),), select=(), holdout=())
    run = store.create_run(RunConfig(domain=candidate.domain, instances=("f",)), suite, {"machine": "x"})
    state = TrialState.SCORED
    store.record(
        Trial(run=run, number=1, operator="mutate", slots=tuple(candidate.slots), parents=(), state=state,
              candidate=candidate, ratio=0.5)
    )  # fmt: skip
    store.flush()
    return candidate.id


def policy() -> Candidate:
    slot = domain().slots()["restart_due"]
    return Candidate(domain="sat", slots={"restart_due": slot.variants["Luby"]})


def test_a_solver_is_built_downloaded_and_solves(empty: Site, tmp_path: Path) -> None:
    id_ = known(empty.store, policy())
    made = empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "solver"})
    assert made.status_code == 201, made.text
    record = made.json()
    assert made.headers["location"] == f"/v1/artefacts/{record['id']}"
    found = empty.client.get(made.headers["location"])
    assert hashlib.sha256(found.content).hexdigest() == record["sha256"]
    assert f'filename="solver_{id_}.tar.gz"' in found.headers["content-disposition"]
    with tarfile.open(fileobj=io.BytesIO(found.content)) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    folder = tmp_path / "out" / f"solver_{id_}"
    solved = subprocess.run([folder / "solver"], input=FORMULA, capture_output=True, text=True, timeout=60)
    assert (solved.returncode, solved.stdout.splitlines()[0]) == (10, "s SATISFIABLE")
    assert subprocess.run(["sh", folder / "test.sh"], capture_output=True, text=True, timeout=60).stdout == "passed\n"
    assert "mutate" in (folder / "PROVENANCE.md").read_text()
    shown = empty.client.get(f"/v1/candidates/{id_}").json()["artefacts"]
    assert [(one["kind"], one["artefact"]) for one in shown] == [("solver", record["id"])]


def test_what_was_built_is_not_built_again_until_more_is_known(empty: Site) -> None:
    rule = Candidate(domain="optim", slots={"step": builtin.default("step")})
    id_ = known(empty.store, rule)
    order = {"kind": "scipy", "numbers": "declared"}
    first = empty.client.post(f"/v1/candidates/{id_}/artefacts", json=order)
    again = empty.client.post(f"/v1/candidates/{id_}/artefacts", json=order)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    tag = {"If-None-Match": f'"{first.json()["sha256"]}"'}
    assert empty.client.get(first.headers["location"], headers=tag).status_code == 304
    module = empty.client.get(first.headers["location"]).text
    assert "slotforge candidate" in module
    compile(module, "module", "exec")


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_one_server_has_built_any_server_on_the_database_gives_out(
    make: Make, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    site = make(request.getfixturevalue("postgres") if database == "postgres" else tmp_path / "shared.db")
    id_ = known(site.store, Candidate(domain="optim", slots={"step": builtin.default("step")}))
    made = site.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "scipy"})
    first = site.client.get(made.headers["location"]).content
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "another server"))
    assert f"/v1/artefacts/{made.json()['id']}" in site.client.get(f"/candidates/{id_}").text
    assert site.client.get(made.headers["location"]).content == first
    again = site.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "scipy"})
    assert (again.status_code, again.json()) == (200, made.json())
    assert site.client.get("/v1/instances").json()["items"] == [], "it is no instance"
    with pytest.raises(UnknownId):
        suites.put(site.store, "mine", [f"artefact:{made.json()['id']}"], owner="ann")
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "a third one"))
    with site.store.writing() as connection:
        connection.execute(update(BlobPart).values(data=b"something else"))
    assert site.client.get(made.headers["location"]).status_code == 400
    assert list(shelf.folder().iterdir()) == []


def test_an_artefact_that_was_built_before_it_was_shared_is_shared_when_it_is_asked_for(
    empty: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = known(empty.store, Candidate(domain="optim", slots={"step": builtin.default("step")}))
    made = empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "scipy"})
    with empty.store.writing() as connection:
        for table in (BlobPart, Blob):
            connection.execute(delete(table))
    assert empty.client.get(made.headers["location"]).status_code == 200
    assert empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "scipy"}).status_code == 200
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "another server"))
    assert empty.client.get(made.headers["location"]).status_code == 200


@pytest.mark.parametrize("id_", ["..", "%2e%2e", "....", "0" * 16, "0" * 15, "g" * 16, "0" * 64, "0000000000000000%00"])
def test_an_id_that_is_none_is_not_found(empty: Site, id_: str) -> None:
    (shelf.folder() / "..").resolve().joinpath("secret").write_text("secret")
    answer = empty.client.get(f"/v1/artefacts/{id_}")
    assert answer.status_code in (404, 405)
    assert "secret" not in answer.text


@pytest.mark.parametrize("kind", ["../x", "solver/../../x", "torch", "", "x" * 99, "py\x00"])
def test_a_kind_that_the_domain_has_not_is_refused(empty: Site, kind: str) -> None:
    id_ = known(empty.store, policy())
    answer = empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": kind})
    assert answer.status_code == 422
    assert not shelf.folder().exists()


@pytest.mark.parametrize("source", ["no code at all", "no Unicode: \ud800"])
def test_code_that_does_not_compile_is_told_in_one_line_and_leaves_nothing(empty: Site, source: str) -> None:
    id_ = known(empty.store, Candidate(domain="sat", slots={"restart_due": source}))
    answer = empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "python"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert list(shelf.folder().iterdir()) == []


CALLING = "struct Mine {\n    bool operator()(const View &) {\n        %s\n    }\n};\n"


@pytest.mark.parametrize(
    ("source", "state", "log"),
    [
        (CALLING % "return true;", "compiled", ""),
        (CALLING % "int idle = 3; return true;", "compiled", "candidate:3:13: warning: unused variable 'idle'"),
        (CALLING % "return std::max(1, 2.0) > 1;", "failed", "candidate:3:24: error: no matching function for call"),
        ('#include "/etc/passwd"\n' + CALLING % "return true;", "refused", ""),
    ],
)
def test_all_that_the_compiler_says_of_a_candidate_is_shown(empty: Site, source: str, state: str, log: str) -> None:
    id_ = known(empty.store, Candidate(domain="sat", slots={"restart_due": source}))
    address = f"/v1/candidates/{id_}/compilation"
    assert empty.client.get(address).json()["state"] == "unrecorded", "to look compiles nothing"
    found = empty.client.post(address).json()
    assert (found["candidate"], found["state"]) == (id_, state)
    assert log in found["log"].get("restart_due", "")
    assert bool(log) == bool(found["log"].get("restart_due"))
    assert (found["run"], found["number"]) == (None, None)
    assert bool(found["why"]) == (state in ("failed", "refused"))
    assert "root" not in str(found["log"])
    assert state == "refused" or "-std=c++20" in found["environment"]["flags"]
    assert empty.client.get(address).json() == found, "it is remembered"


@pytest.mark.parametrize(
    ("why", "log", "times"),
    [
        (
            "restart_due: the compiler was stopped (wall): write a simpler policy",
            {"restart_due": "the compiler was"},
            2,
        ),
        ("the sandbox cannot start", {}, 2),
        ("restart_due: line 3: no such name", {"restart_due": "candidate:3:1: error: no such name"}, 1),
    ],
)
def test_a_failure_that_passes_is_told_but_not_remembered(
    empty: Site, monkeypatch: pytest.MonkeyPatch, why: str, log: dict[str, str], times: int
) -> None:
    id_ = known(empty.store, Candidate(domain="sat", slots={"restart_due": f"// {why}"}))
    failed = Compilation(candidate=id_, state=Compiled.FAILED, why=why, log=log)
    answers = [apart.written(Compilation(candidate=id_, state=Compiled.COMPILED)), apart.written(failed)]
    monkeypatch.setattr(apart, "run", lambda *_, **__: answers.pop())
    address = f"/v1/candidates/{id_}/compilation"
    assert empty.client.post(address).json()["why"] == why
    assert empty.client.get(address).json()["state"] == ("failed" if times == 1 else "unrecorded")
    assert empty.client.post(address).json()["state"] == ("failed" if times == 1 else "compiled")
    assert len(answers) == 2 - times
    _again.clear()
    answers.append(apart.written(failed))
    answer = empty.client.post(f"/candidates/{id_}/compilation")
    assert answer.status_code == 303
    assert (empty.client.get(answer.headers["location"]).text.count(why), _again != {}) == (1, times == 1)
    answers.append(apart.written(failed))
    _again.clear()
    page = empty.client.post(f"/candidates/{id_}/compilation", headers={"HX-Request": "true"}).text
    assert (why in page, "Nothing of it is compiled ahead" in page) == (True, False)


def test_what_is_not_compiled_ahead_has_no_log_of_a_compiler(empty: Site) -> None:
    for candidate in (Candidate(domain="optim", slots={"step": builtin.default("step")}), Candidate(domain="sat")):
        address = f"/v1/candidates/{known(empty.store, candidate)}/compilation"
        for found in (empty.client.get(address).json(), empty.client.post(address).json()):
            assert (found["state"], found["log"]) == ("uncompiled", {})


def test_numbers_are_of_step_rules_alone(empty: Site) -> None:
    with pytest.raises(UsageError, match="numbers are of step rules"):
        builder.build(empty.store, known(empty.store, policy()), "cpp", numbers="tuned")


def test_the_process_that_builds_knows_no_secrets_and_not_where_the_store_is(
    empty: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SLOTFORGE_STORE", "postgresql://me:secret@there/db")
    told = tmp_path / "environment"
    monkeypatch.setattr(sys, "executable", str(script(tmp_path, f'env > {told}\nexec {sys.executable} "$@"')))
    builder.build(empty.store, known(empty.store, policy()), "cpp")
    assert "SLOTFORGE_HOME=" in told.read_text()
    assert "secret" not in told.read_text()


def test_one_that_takes_too_long_is_killed_with_all_its_processes(
    empty: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "child"
    monkeypatch.setattr(sys, "executable", str(script(tmp_path, f"sleep 600 & echo $! > {mark}\nwait")))
    monkeypatch.setattr(apart, "LIMIT_S", 2.0)
    with pytest.raises(BuildError, match="took longer than 2 s"):
        builder.build(empty.store, known(empty.store, policy()), "cpp")
    child = Path(f"/proc/{int(mark.read_text())}")
    for _ in range(600):
        if not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2].split()[0]:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process of the build still runs")
    assert list(shelf.folder().iterdir()) == []


def test_no_more_than_a_few_are_built_at_once(empty: Site) -> None:
    id_ = known(empty.store, policy())
    for _ in range(apart.AT_ONCE):
        assert apart._turns.acquire(timeout=1)
    try:
        began = time.monotonic()
        answer = empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "cpp"})
        shown = empty.client.post(f"/candidates/{id_}/artefacts", data={"kind": "cpp"})
        assert time.monotonic() - began < 4, "it waits in a thread that others need"
    finally:
        for _ in range(apart.AT_ONCE):
            apart._turns.release()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert (shown.status_code, shown.headers["retry-after"], "try again" in shown.text) == (503, "60", True)
    assert empty.client.post(f"/v1/candidates/{id_}/artefacts", json={"kind": "cpp"}).status_code == 201


def script(folder: Path, text: str) -> Path:
    """Write something that stands for the Python interpreter."""
    path = folder / "interpreter"
    path.write_text(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path
