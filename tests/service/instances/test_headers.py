"""Formulas whose header is false: taken as solvers take them, and told, here and on a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from slotforge.service.cli import main
from slotforge.solvers.sat import cnf

from .test_instance_routes import RAW, client, parts, store

__all__ = ["client", "store"]

FEWER = b"p cnf 3 5\n1 -2 0\n"
LARGER = b"p cnf 3 1\n9 1 0\n"
RIGHT = b"p cnf 2 1\n1 2 0\n"
TOLD = (
    "few.cnf: the header states 5 clauses, the file holds 1",
    "large.cnf: the header states 3 variables, the clauses use 9",
)


def test_the_answer_names_the_files_whose_header_is_false(client: TestClient) -> None:
    sent = parts(("few.cnf", FEWER), ("right.cnf", RIGHT), ("large.cnf", LARGER))
    found = client.post("/v1/instances", files=sent).json()
    assert [len(found["instances"]), found["left_out"], found["warnings"]] == [3, [], list(TOLD)]
    made = client.post("/v1/suites/told", files=sent).json()
    assert made["warnings"] == list(TOLD)
    raw = client.post("/v1/instances", content=FEWER, headers=RAW, params={"name": "few.cnf"}).json()
    assert raw["warnings"] == [TOLD[0]]


def test_they_are_the_warnings_of_the_reader(tmp_path: Path) -> None:
    said: list[str] = []
    for name, content in (("few.cnf", FEWER), ("large.cnf", LARGER)):
        (tmp_path / name).write_bytes(content)
        cnf.read(tmp_path / name, name=name, warnings=said)
    assert tuple(said) == TOLD


def test_a_suite_that_is_made_here_says_so_as_well(
    tmp_path: Path,
    home: Path,  # noqa: ARG001 # settings lie in it
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "few.cnf").write_bytes(FEWER)
    main(["suites", "add", "mine", str(tmp_path / "few.cnf"), "--store", str(tmp_path / "s.db")])
    assert capsys.readouterr().err == f"{TOLD[0]}\n"


@pytest.mark.parametrize("name", ["x" * 65, "-a", "a%20b"])
def test_a_bad_name_of_a_suite_is_told_without_a_pattern(client: TestClient, name: str) -> None:
    told = client.post(f"/v1/suites/{name}", files=parts(("a", RIGHT))).json()["detail"]
    assert told.startswith("path.name: the name of a suite has 1 to 64 letters, digits")
