"""Every page, on an empty store, a full one, and one that a hostile model has written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from slotforge.lineage import servers
from slotforge.search.executors._cluster import Cluster, Node
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.views.cluster import Lookout

from .markup import Page, read
from .test_forms import context

EVERY = ("/", "/library", "/compare", "/instances", "/usage", "/system", "/new", "/new?domain=optim", "/login")


def crawl(client: TestClient, *, without: str = "") -> dict[str, Page]:
    """Follow all links of this site, and read all pages but one."""
    found: dict[str, Page] = {}
    waiting, seen = ["/"], {"/", without}
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:300]}"
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page = found[address] = read(answer.text)
        for link in page.links:
            target = urlsplit(urljoin(address, link))
            assert not target.netloc, link
            if target.fragment and not target.path:
                assert target.fragment in page.ids, f"{address}: {link}"
            path = target.path + (f"?{target.query}" if target.query else "")
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return found


@pytest.mark.parametrize("path", EVERY)
def test_every_page_says_what_to_do_when_there_is_nothing(empty: TestClient, path: str) -> None:
    answer = empty.get(path)
    assert answer.status_code == 200
    page = read(answer.text)
    assert page.wrong == []
    assert page.tags.count("h1") == 1


def test_every_link_leads_somewhere_and_every_page_is_sound(full: TestClient) -> None:
    pages = crawl(full)
    assert len(pages) > 40
    for address, page in pages.items():
        assert page.wrong == [], address
        assert page.tags.count("h1") == 1, address
        assert page.title.endswith("slotforge"), address
        assert "main" in page.ids, address
        assert page.links[0] == "#main", address


def test_what_a_model_writes_is_never_markup(hostile: TestClient) -> None:
    pages = crawl(hostile, without="/system/checks")
    assert any("/trials/1" in address for address in pages)
    for address, page in pages.items():
        assert page.wrong == [], address
        assert "evil" not in page.tags, address
        text = "".join(page.text)
        assert not set(text) & set("\x00\x1b\u202e"), address
    assert any("{{ 7*7 }}" in "".join(page.text) for page in pages.values()), "no template is run"
    assert any("<evil" in "".join(page.text) for page in pages.values()), "it is shown as it is"


def test_the_system_page_tells_what_each_server_compiles_with_and_runs(empty: TestClient) -> None:
    facts = {"host": "here", "version": "1.2", "compiler": "g++ 12.2", "engine": "00ff00ff00ff00ff"}
    servers.sign(context(empty).store, "old", {"host": "there"})
    servers.sign(context(empty).store, "new", facts)
    told = read(empty.get("/system").text).text
    assert {*facts.values(), "there"} <= {*told}


def test_the_system_page_tells_what_each_node_of_a_cluster_is_as_far_as_workers_have_found_it(tmp_path: Path) -> None:
    facts = {
        "slotforge": "1.2", "python": "3.11.7", "ray": "2.60.0", "compiler": "g++ 12.2", "engine": "00ff00ff",
        "processor": "Abacus 9",
    }  # fmt: skip
    usual = {"alive": True, "here": False, "resources": {"CPU": 4.0}}
    known = Node(id="a" * 56, name="one", sandbox_level=3, facts=facts, **usual)
    fresh = Node(id="b" * 56, name="two", sandbox_level=None, **usual)
    app = make_app(Settings(store=str(tmp_path / "store.db"), executor="ray"))
    hint = "What stands empty is found by the first worker"
    for nodes, hinted in (((known, fresh), True), ((known,), False)):
        cluster = Cluster(address="head:6379", nodes=nodes)
        app.state.context = replace(app.state.context, lookout=Lookout(lambda found=cluster: found))
        answer = TestClient(app, base_url="http://localhost").get("/system")
        page = read(answer.text)
        assert page.wrong == []
        assert {*facts.values(), *(node.name for node in nodes)} <= {*page.text}
        assert (hint in answer.text) == hinted


def test_a_long_text_is_cut_and_says_so(hostile: TestClient) -> None:
    run = next(link for link in read(hostile.get("/").text).links if link.startswith("/runs/"))
    answer = hostile.get(f"{run}/trials/1")
    assert "more characters" in answer.text
    assert len(answer.text) < 2_000_000


@pytest.mark.parametrize(
    "path",
    [
        "/runs/nothing",
        "/runs/00ff",
        "/candidates/00ff",
        "/jobs/00ff",
        "/suites/none",
        "/instances/00000000",
        "/compare?a=00ff",
        "/runs/00ff/lineage",
        "/candidates/00ff/card",
    ],
)
def test_what_is_not_there_is_told_on_a_page(empty: TestClient, path: str) -> None:
    answer = empty.get(path)
    assert answer.status_code == 404
    assert read(answer.text).wrong == []


@pytest.mark.parametrize(
    "path",
    [
        "/?cursor=x",
        "/?state=none",
        "/library?confirmed=maybe",
        "/library?below=much",
        "/new?domain=none",
        "/?limit=0",
        "/compare?a=" + "1" * 99,
    ],
)
def test_what_cannot_be_asked_is_told_on_a_page(empty: TestClient, path: str) -> None:
    answer = empty.get(path)
    assert answer.status_code == 422
    assert read(answer.text).wrong == []


def test_an_address_that_is_none_is_told_to_people_on_a_page_and_to_programs_as_a_problem(empty: TestClient) -> None:
    people = empty.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert people.status_code == 404
    assert read(people.text).wrong == []
    for path, accept in (("/nothing", "application/json"), ("/v1/nothing", "text/html")):
        answer = empty.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_list_goes_on_where_it_stopped(full: TestClient) -> None:
    run = next(link for link in read(full.get("/").text).links if link.startswith("/runs/"))
    address, numbers = f"{run}/trials?limit=5", []
    while address:
        page = read(full.get(address).text)
        numbers += [int(link.rpartition("/")[2]) for link in page.links if link.startswith(f"{run}/trials/")]
        address = next((link for link in page.links if "cursor=" in link), "")
    assert numbers == sorted(set(numbers), reverse=True), "candidates of the search first, controls last"
    assert len(numbers) > 8


def test_the_library_is_sorted_and_filtered_by_links(full: TestClient) -> None:
    page = read(full.get("/library?sort=ratio").text)
    ratios = [float(text) for text in page.text if text.count(".") == 1 and text.replace(".", "").isdigit()]
    assert ratios == sorted(ratios)
    assert len(ratios) > 3
    assert "Nothing found" in full.get("/library?slot=nothing").text
    middle = ratios[len(ratios) // 2]
    fewer = read(full.get(f"/library?sort=ratio&below={middle}").text)
    shown = [float(text) for text in fewer.text if text.count(".") == 1 and text.replace(".", "").isdigit()]
    assert shown
    assert shown == [ratio for ratio in ratios if ratio <= middle][: len(shown)]
    assert len(shown) < len(ratios)
    assert read(full.get("/library?below=").text).wrong == []
