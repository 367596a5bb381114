"""What forms do: sign in, start, upload, steer, confirm, export; and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from slotforge.core import registry
from slotforge.core.types import Budget, Candidate, RunConfig, Suite, Trial
from slotforge.lineage.keys import add_key
from slotforge.lineage.store import SqlStore
from slotforge.lineage.suites import suites
from slotforge.service.api.context import Context

from .conftest import client
from .markup import read

CONFIG = RunConfig(domain="sat", instances=("sgen:23",), budget=Budget(evals=5))
SCORED = Trial(
    run="", number=1, operator="mutate", slots=("decay",), parents=(), state="scored", ratio=0.9, instances=1,
    candidate=Candidate(domain="sat", slots={"decay": "// 1"}),
)  # fmt: skip
FORMULA = b"p cnf 2 2\n1 2 0\n-1 2 0\n"


def context(of: TestClient) -> Context:
    found: Context = of.app.state.context  # type: ignore[attr-defined]
    return found


def started(store: SqlStore) -> str:
    return store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {})


def heading(text: str) -> str:
    return text.partition("<h1>")[2].partition("</h1>")[0]


def noticed(text: str) -> list[str]:
    """Return the lines that a form has left to be told."""
    _, there, rest = text.partition('<ul class="note warn plainlist" role="status">')
    found = rest.partition("</ul>")[0].removeprefix("<li>").removesuffix("</li>")
    return [unescape(line) for line in found.split("</li><li>")] if there else []


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """Return a browser before a service with keys, by scope."""
    with client(tmp_path / "locked.db") as made:
        store = context(made).store
        secrets = {scope: add_key(store, f"who-{scope}", [scope]).secret for scope in ("read", "run")}  # type: ignore[list-item]
        made.app.state.keyring.forget()  # type: ignore[attr-defined]
        yield made, secrets


def sign_in(browser: TestClient, secret: str, target: str = "/") -> str:
    page = read(browser.get("/login").text)
    answer = browser.post("/login", data={"key": secret, "next": target, "csrf_token": page.forms[-1]["token"]})
    return str(answer.url.path) if answer.status_code == 200 else answer.text


def test_who_has_no_key_is_asked_for_it_and_comes_back(locked: tuple[TestClient, dict[str, str]]) -> None:
    browser, secrets = locked
    answer = browser.get("/library?q=x")
    assert answer.url.path == "/login"
    assert answer.url.params["next"] == "/library?q=x"
    assert "unknown" in sign_in(browser, "sf_wrong")
    assert sign_in(browser, secrets["read"], "/library") == "/library"
    assert "who-read" in browser.get("/").text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_signing_in_leads_to_no_other_site(locked: tuple[TestClient, dict[str, str]], target: str) -> None:
    browser, secrets = locked
    assert sign_in(browser, secrets["read"], target) == "/"


def test_signing_out_ends_the_session(locked: tuple[TestClient, dict[str, str]]) -> None:
    browser, secrets = locked
    sign_in(browser, secrets["read"])
    page = read(browser.get("/").text)
    token = next(form["token"] for form in page.forms if form.get("action") == "/logout")
    assert browser.post("/logout", data={"csrf_token": token}).url.path == "/login"
    assert browser.get("/").url.path == "/login"


def test_a_reader_is_shown_no_button_and_may_press_none(locked: tuple[TestClient, dict[str, str]]) -> None:
    browser, secrets = locked
    sign_in(browser, secrets["read"])
    page = read(browser.get("/").text)
    assert "/new" not in page.links
    assert all(form.get("action") == "/logout" for form in page.forms if form.get("method") == "post")
    token = next(form["token"] for form in page.forms if form.get("action") == "/logout")
    assert browser.get("/new").status_code == 403
    assert browser.post("/suites", data={"name": "x", "csrf_token": token}).status_code == 403


@pytest.mark.parametrize("scope", ["read", "run"])
def test_who_is_signed_in_is_shown_and_nothing_to_press_that_they_may_not(
    locked: tuple[TestClient, dict[str, str]], scope: str
) -> None:
    browser, secrets = locked
    store, queue = context(browser).store, context(browser).queue
    job = queue.submit(CONFIG, owner="somebody").id
    store.record(SCORED.model_copy(update={"run": started(store)}))
    assert sign_in(browser, secrets[scope]) == "/"
    assert SCORED.candidate is not None
    for path in (f"/candidates/{SCORED.candidate.id}", f"/runs/{job}"):
        page = read(browser.get(path).text)
        assert f"who-{scope}" in page.text
        pressed = {form["action"] for form in page.forms if form.get("method") == "post"} - {"/logout"}
        may = scope == "run" and path.startswith("/candidates")
        assert (bool(pressed), "#export" in page.links, "#confirm" in page.links) == (may, may, may)


def test_the_form_says_what_each_strategy_does(empty: TestClient) -> None:
    text = "".join(read(empty.get("/new").text).text)
    for name, told in registry.names("slotforge.search.strategies").items():
        assert name in text
        assert told in text


def test_a_form_of_another_site_is_refused(locked: tuple[TestClient, dict[str, str]]) -> None:
    browser, secrets = locked
    sign_in(browser, secrets["run"])
    for token in ("", "0" * 64):
        assert browser.post("/new", data={"families": "sgen:9", "csrf_token": token}).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    assert browser.post("/new", data={"families": "sgen:9"}, headers=foreign).status_code == 403
    assert context(browser).queue.jobs() == ()


def test_a_run_is_started_paused_resumed_and_cancelled(empty: TestClient) -> None:
    answer = empty.post(
        "/new",
        data={
            "families": "sgen:9, ksat:50",
            "slots": ["decay", "restart_due"],
            "evals": "7",
            "seed": "3",
            "minutes": "2",
        },
    )
    job = context(empty).queue.jobs()[0]
    assert answer.url.path == f"/runs/{job.id}"
    assert job.config.instances == ("sgen:9", "ksat:50")
    assert job.config.budget.evals == 7  # type: ignore[union-attr]
    assert job.config.budget.time_s == 120  # type: ignore[union-attr]
    assert read(answer.text).wrong == []
    for wish, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        shown = empty.post(f"/jobs/{job.id}/{wish}")
        assert shown.url.path == f"/runs/{job.id}"
        assert f'class="state {state}"' in heading(shown.text)
    assert empty.post(f"/jobs/{job.id}/pause").status_code == 409
    again = empty.get(f"/new?domain=sat&like={job.id}")
    assert "sgen:9, ksat:50" in again.text


def test_what_is_sent_twice_from_one_page_starts_one_run(empty: TestClient) -> None:
    def sent(once: str, **data: str) -> str:
        return empty.post("/new", data={"families": "sgen:9", "once": once, **data}).url.path

    assert 'name="once" value=""' in empty.get("/new").text  # the browser's script fills it in
    first = sent("one")
    assert sent("one") == first
    assert len({first, sent("one", seed="5"), sent("other"), sent(""), sent("")}) == 5
    wrong = empty.post("/new", data={"families": "nothing:3", "once": "abc"})
    assert 'name="once" value="abc"' in wrong.text
    assert len(context(empty).queue.jobs()) == 5


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "name families, choose suites, or upload files"),
        ({"families": "/etc/passwd"}, "instances: '/etc/passwd' is none: name a family, a suite, or upload the files"),
        ({"families": "../cnf"}, "instances"),
        ({"families": "nothing:3"}, "nothing"),
        ({"suites": "nothing"}, "nothing"),
        ({"families": "sgen:9", "evals": "many"}, "evals"),
        ({"families": "sgen:9", "minutes": "long"}, "minutes"),
        ({"families": "sgen:9", "slots": "nothing"}, "nothing"),
        ({"families": "sgen:9", "model": "openai:gpt-5"}, "openai:gpt-5"),
        ({"families": "sgen:9", "model": "replay:/etc/passwd"}, "replay:/etc/passwd"),
        ({"families": "sgen:9", "strategy": "nothing"}, "nothing"),
        ({"families": "sgen:9", "workers": "0"}, "workers"),
    ],
)
def test_a_form_that_cannot_be_says_why_and_keeps_what_was_written(
    empty: TestClient, data: dict[str, str], says: str
) -> None:
    answer = empty.post("/new", data=data)
    assert 400 <= answer.status_code < 500
    page = read(answer.text)
    assert page.wrong == []
    assert says in unescape(answer.text.partition('role="alert">')[2].partition("<")[0])
    if "families" in data:
        assert any(one.get("value") == data["families"] for one in page.inputs)
    assert context(empty).queue.jobs() == ()


def test_a_folder_becomes_a_suite_under_its_own_name(empty: TestClient) -> None:
    files = [("files", (f"my formulas/{n}.cnf", b"p cnf 2 %d\n1 2 0\n1 -2 0\n%d 0\n" % (n, n + 1))) for n in range(2)]
    answer = empty.post("/instances", files=[*files, ("files", ("my formulas/notes.txt", b"not a formula"))])
    assert answer.url.path == "/suites/my-formulas"
    told = noticed(answer.text)
    assert [line.partition(":")[0] for line in told] == ["notes.txt", "0.cnf", "1.cnf"]
    assert told[0].endswith(": left out")
    assert all("header" in line for line in told[1:])
    assert noticed(empty.get("/suites/my-formulas").text) == [], "it is told once"
    assert "../" not in answer.text
    assert empty.post("/instances", files=files).status_code == 409, "no suite is replaced unasked"
    assert [one.instances for one in suites(context(empty).store, limit=9)] == [2]


def test_a_run_tells_of_the_files_that_it_was_started_with_and_of_many_as_many_as_there_is_room_for(
    empty: TestClient,
) -> None:
    files = [("files", (f"f/{n} <evil>.cnf", b"p cnf 2 9\n1 2 0\n%d -2 0\n" % (n + 3))) for n in range(40)]
    answer = empty.post("/new", files=files, data={"evals": "3"})
    assert answer.url.path.startswith("/runs/")
    page = read(answer.text)
    assert page.wrong == []
    told = noticed(answer.text)
    assert "<evil>.cnf" in told[0]
    assert "evil" not in page.tags
    assert told[-1] == f"and {80 - len(told) + 1} more", "each header states two false counts"
    assert 5 < len(told) < 80


@pytest.mark.parametrize(
    "value", ["", "x", "WyIvIiwgImV2aWwiXQ==", "WyIvIiwgImV2aWwiXQ==." + "0" * 64, "é.é", "." * 99]
)
def test_a_notice_that_this_service_has_not_written_is_not_shown(empty: TestClient, value: str) -> None:
    answer = empty.get("/", headers=[(b"Cookie", b"slotforge_told=" + value.encode())])
    assert (answer.status_code, noticed(answer.text)) == (200, [])


def test_instances_are_uploaded_combined_and_deleted(empty: TestClient) -> None:
    assert noticed(empty.post("/instances", files=[("files", ("../../a.cnf", FORMULA))]).text) == []
    record = context(empty).vault.records(limit=1)[0]
    assert "/" not in record.name
    assert empty.post("/suites", data={"name": "../x", "instances": [record.id]}).status_code == 422
    assert empty.post("/suites", data={"name": "one", "instances": [record.id]}).url.path == "/suites/one"
    assert empty.post(f"/instances/{record.id}/delete").status_code == 409
    assert empty.post("/suites/one/delete").url.path == "/instances"
    assert empty.post(f"/instances/{record.id}/delete").url.path == "/instances"
    assert context(empty).vault.records(limit=1) == ()


@pytest.mark.parametrize("files", [[], [("files", ("", b""))], [("files", ("a.cnf", b"no formula"))]])
def test_an_upload_of_nothing_useful_is_refused(empty: TestClient, files: list[tuple[str, tuple[str, bytes]]]) -> None:
    answer = empty.post("/instances", files=files, data={"suite": ""})
    assert answer.status_code == 422
    assert read(answer.text).wrong == []


def test_a_confirmation_becomes_a_job(hostile: TestClient) -> None:
    link = next(one for one in read(hostile.get("/library").text).links if one.startswith("/candidates/"))
    answer = hostile.post(f"{link}/confirm", data={"families": "sgen:9", "seed": "7"})
    job = context(hostile).queue.jobs()[0]
    assert answer.url.path == f"/jobs/{job.id}"
    assert "Waiting for a server" in answer.text
    assert read(answer.text).wrong == []
    assert hostile.post(f"{link}/confirm", data={"families": "/etc/passwd"}).status_code == 422


def test_an_export_that_is_not_offered_is_refused(hostile: TestClient) -> None:
    link = next(one for one in read(hostile.get("/library").text).links if one.startswith("/candidates/"))
    assert hostile.post(f"{link}/artefacts", data={"kind": "torch"}).status_code == 422
    assert hostile.post(f"{link}/artefacts", data={"kind": "../cpp"}).status_code == 422


def test_a_password_manager_is_told_what_is_a_name_and_what_a_key(locked: tuple[TestClient, dict[str, str]]) -> None:
    fields = {one["name"]: one.get("autocomplete") for one in read(locked[0].get("/login").text).inputs}
    assert fields == {"username": "username", "key": "current-password"}
