"""Files that the client sends and fetches: whole, where they belong, or not at all."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slotforge.core.errors import SlotforgeError, UnknownId, UsageError
from slotforge.service.cli._fetch import unpacked, uploaded
from slotforge.service.transport import ATTEMPTS, Unreachable

from .spoken import BLOB, Spoken, artefact, ok, problem


def test_a_download_goes_where_the_client_says_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "mine.hpp"
    evil = {"Content-Disposition": 'attachment; filename="../../evil"'}
    server = Spoken(httpx.Response(200, content=b"content", headers=evil))
    assert server.client().download(artefact(b"content"), out) == out
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.hpp"]
    assert out.read_bytes() == b"content"
    with pytest.raises(SlotforgeError, match="did not come as it was sent"):
        Spoken(httpx.Response(200, content=b"conte")).client().download(artefact(b"content"), out)
    assert out.read_bytes() == b"content"
    with pytest.raises(SlotforgeError, match="cannot write"):
        Spoken(httpx.Response(200, content=b"content")).client().download(artefact(b"content"), out / "below")
    assert list(out.parent.iterdir()) == [out]


def test_a_download_goes_into_a_device_a_pipe_or_a_link_and_never_in_its_place(tmp_path: Path) -> None:
    def fetch(out: Path) -> None:
        Spoken(httpx.Response(200, content=b"content")).client().download(artefact(b"content"), out)

    pipe, link, behind = (tmp_path / name for name in ("pipe", "link", "behind"))
    os.mkfifo(pipe)
    link.symlink_to(behind)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fetch(pipe)
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    fetch(link)
    assert (pipe.is_fifo(), link.is_symlink(), behind.read_bytes()) == (True, True, b"content")
    assert not list(tmp_path.glob(".*"))
    for folder in (tmp_path, Path()):
        with pytest.raises(SlotforgeError, match="cannot write"):
            fetch(folder)


def test_a_download_is_asked_for_again_and_begins_anew(tmp_path: Path) -> None:
    def cut() -> Iterator[bytes]:
        yield b"con"
        raise httpx.ReadError("cut")

    answers = [
        problem(503, "too much to do", **{"Retry-After": "7"}),
        httpx.Response(200, content=cut()),
        problem(409, "it is being made", **{"Retry-After": "9"}),
        httpx.ConnectError("refused"),
        httpx.Response(200, content=b"content"),
    ]
    server = Spoken(*answers)
    out = server.client().download(artefact(b"content"), tmp_path / "deep" / "mine.hpp")
    assert out.read_bytes() == b"content"
    assert list(out.parent.iterdir()) == [out]
    assert (server.waits[0], server.waits[2]) == (7.0, 9.0)
    refused = Spoken(problem(404, "no artefact"))
    with pytest.raises(UnknownId, match="no artefact"):
        refused.client().download(artefact(b"content"), out)
    away = Spoken(*(httpx.ReadTimeout("late") for _ in range(ATTEMPTS)))
    with pytest.raises(Unreachable):
        away.client().download(artefact(b"content"), out)
    assert (len(away.waits), out.read_bytes()) == (ATTEMPTS - 1, b"content")


def test_an_answer_that_cannot_be_unpacked_is_one_line() -> None:
    packed = {"Content-Encoding": "gzip"}
    broken = [httpx.Response(200, content=iter([b"no gzip"]), headers=packed) for _ in range(ATTEMPTS)]
    with pytest.raises(SlotforgeError, match="does not answer"):
        Spoken(*broken).client().system()


@pytest.mark.parametrize("name", ["../evil", "/evil", "top/../../evil"])
def test_a_packed_folder_cannot_reach_out_of_its_place(name: str, tmp_path: Path) -> None:
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    (tmp_path / "in").mkdir()
    with pytest.raises(SlotforgeError, match="cannot be unpacked"), unpacked(tmp_path / "in" / "out") as place:
        place.write_bytes(content.getvalue())
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_packed_folder_is_never_put_over_another(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(UsageError, match="is there already"), unpacked(tmp_path / "out"):
        pass


def test_an_upload_that_is_turned_away_is_sent_again_with_all_its_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.cnf").write_text(f"p cnf 1 1\nc {name}\n1 0\n")
    answer = ok({"instances": [BLOB | {"id": "0" * 64}], "left_out": []}, 201)
    server = Spoken(problem(503, "later"), httpx.ReadError("lost"), answer)
    assert len(server.client().upload(tmp_path).instances) == 1
    bodies = [request.content for request in server.requests]
    assert all(b"c a" in body and b"c b" in body and str(tmp_path).encode() not in body for body in bodies)


def test_a_file_whose_name_is_no_unicode_is_sent_under_another(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.cnf")).write_text("p cnf 1 1\n1 0\n")
    server = Spoken(ok({"instances": [BLOB | {"id": "0" * 64}], "left_out": []}, 201))
    assert len(server.client().upload(tmp_path).instances) == 1
    assert "caf\ufffd.cnf".encode() in server.requests[0].content


def test_many_files_are_sent_in_parts(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.cnf").touch()
    answers = [ok({"instances": [BLOB | {"id": f"{part}" * 64}], "left_out": []}, 201) for part in range(2)]
    assert len(Spoken(*answers).client().upload(tmp_path).instances) == 2


def test_a_part_that_is_too_much_at_once_is_sent_in_halves(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.cnf").touch()
    answers = [ok({"instances": [BLOB | {"id": f"{part}" * 64}], "left_out": []}, 201) for part in range(3)]
    too_much = problem(413, "the body has more than 5,000 bytes")
    server = Spoken(too_much, answers[0], too_much, answers[1], answers[2])
    assert len(server.client().upload(tmp_path).instances) == 3
    sent = [[name for name in (b"0.cnf", b"1.cnf", b"2.cnf") if name in one.content] for one in server.requests]
    assert [len(names) for names in sent] == [3, 1, 2, 1, 1]


def test_an_upload_ends_with_the_first_file_for_which_there_is_no_room(tmp_path: Path) -> None:
    for number in range(160):
        (tmp_path / f"{number:03}.cnf").touch()
    kept = ok({"instances": [BLOB | {"id": "0" * 64}], "left_out": []}, 201)
    server = Spoken(problem(422, "nonsense"), kept, *(problem(413, "it is full: delete some") for _ in range(6)))
    with pytest.raises(UsageError, match=r"^100.cnf: it is full: delete some$"):
        uploaded(server.client(), "sat", [str(tmp_path)])
    assert server.answers == [], "nothing was sent after that, and no suite made"


def test_an_upload_of_nothing_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    server = Spoken()
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError):
            server.client().upload(path)
    assert server.requests == []


def test_of_a_folder_what_is_named_like_a_formula_is_sent_and_the_rest_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("a.cnf", "b.dimacs.gz", "keys.env", "deep/c.cnf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"p cnf 1 1\n1 0\n")
    server = Spoken(ok({"instances": [{"id": "b" * 16, **BLOB}], "left_out": [], "warnings": ["a.cnf: odd"]}))
    found = server.client().upload(folder)
    sent = server.requests[0].content
    assert [name for name in (b"a.cnf", b"b.dimacs.gz", b"keys.env", b"c.cnf") if name in sent] == [
        b"a.cnf",
        b"b.dimacs.gz",
    ]
    assert found.warnings == (
        f"{folder / 'deep'}: a folder inside the folder, left out (name it as well to use it)",
        f"{folder / 'keys.env'}: not named like a CNF file, left out",
        "a.cnf: odd",
    )
