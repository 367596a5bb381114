"""Runs and candidates through the API, on the store of a real search."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import (
    Call,
    Candidate,
    Completion,
    Instance,
    Measurement,
    Outcome,
    Prompt,
    RunConfig,
    Suite,
    Trial,
    TrialState,
)
from slotforge.lineage import queries
from slotforge.lineage.records import Best, RunDetails
from slotforge.lineage.store import SqlStore
from slotforge.service.api.routes import records
from slotforge.service.views import details

from ..conftest import Command, Found
from .conftest import Make, Site

EVIL = "</script>\x00\ud800'\"\u202e"
CONFIG = RunConfig(domain="sat", instances=("tseitin:48",))
ORDER = {"domain": "sat", "instances": ["tseitin:48"], "budget": {"evals": 7}, "slots": ["decay"]}


def get(site: Site, path: str, **params: Any) -> Any:
    answer = site.client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(site: Site, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = get(site, path, **params)
        yield from page["items"]
        if page["next"] is None:
            return
        params["cursor"] = page["next"]


def test_a_run_is_shown_as_the_command_line_prints_it(site: Site, found: Found, cli: Command) -> None:
    shown = get(site, f"/v1/runs/{found.report.run[:6]}", pairs=True)
    printed = cli("show", found.report.run, "--store", found.store, "--json").json
    assert {name: shown[name] for name in printed} == printed
    assert shown["job"] is None
    assert shown["run"]["report"]["best"]["candidate"] == found.winner
    (line,) = get(site, "/v1/runs")["items"]
    (listed,) = cli("runs", "--store", found.store, "--json").json
    assert line == listed
    assert RunDetails.model_fields.keys() <= shown.keys()


def test_the_exchanges_of_a_run_are_sent_in_pieces_as_the_command_line_writes_them(
    site: Site, cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    monkeypatch.setattr(records, "PIECE", 500)
    run = site.store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {})
    for number in (7, 1, 4, 1, 9):
        prompt = Prompt(operator="mutate", messages=(("user", f"{number} {EVIL}"),))
        completion = Completion(text="é" * 400 + EVIL, model="m", input_tokens=1, output_tokens=1, usd=0, latency_s=0)
        site.store.record_call(run, number, Call(stage="propose", prompt=prompt, completion=completion))
    site.store.flush()
    cli("export", run, "--as", "replay", "--out", tmp_path / "f.jsonl", "--store", site.store.name)
    with site.client.stream("GET", f"/v1/records/runs/{run}/replay") as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        sent = answer.read()
    assert sent == (tmp_path / "f.jsonl").read_bytes()
    assert [json.loads(line)["number"] for line in sent.splitlines()] == [1, 1, 4, 7, 9]
    assert {json.loads(line)["answer"] for line in sent.splitlines()} == {"é" * 400 + EVIL}
    assert len([*records._pieces(details.replay(site.store, run))]) > 3
    assert site.client.get("/v1/records/runs/feedfeed/replay").status_code == 404


def test_a_candidate_of_too_many_trials_is_not_told_whole(
    site: Site, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "MOST_TRIALS", 0)
    answer = site.client.get(f"/v1/records/candidates/{found.winner}")
    assert (answer.status_code, "ask for their list" in answer.json()["detail"]) == (422, True)


def test_the_best_are_those_that_the_command_line_prints(site: Site, found: Found, cli: Command) -> None:
    domain = found.report.run and get(site, "/v1/runs")["items"][0]["domain"]
    known = list(pages(site, "/v1/heuristics", domain=domain, limit=3))
    assert known == cli("best", domain, "--store", found.store, "--limit", 1000, "--json").json
    assert found.winner in {one["candidate"] for one in known}
    assert all(Best.model_validate(one).confirmed for one in pages(site, "/v1/heuristics", confirmed=True))


def test_trials_come_in_pages_with_their_exchanges_one_by_one(site: Site, found: Found) -> None:
    path = f"/v1/runs/{found.report.run}/trials"
    numbers = [one["number"] for one in pages(site, path, limit=7)]
    assert numbers == sorted(numbers)
    assert len(numbers) == len(set(numbers)) > found.report.trials
    failed = list(pages(site, path, state=["failed", "wrong"], limit=2))
    assert {one["state"] for one in failed} == {"failed", "wrong"}
    assert all(one["reason"] for one in failed)
    whole = get(site, f"{path}/1")
    assert whole["calls"][0]["prompt"]["messages"]
    assert whole["calls"][0]["completion"]["text"]
    assert site.client.get(f"{path}/4711").status_code == 404


def test_a_candidate_is_shown_from_every_side(site: Site, found: Found) -> None:
    path = f"/v1/candidates/{found.winner}"
    shown = get(site, path)
    assert shown["slots"] == found.report.best.slots
    assert shown["verdicts"][-1]["verdict"]["verdict"] == "better"
    assert get(site, f"{path}/diff")["b"] == found.winner
    assert get(site, f"{path}/diff", to="baseline")["a"] == found.baseline
    graph = get(site, f"{path}/lineage")
    assert (graph["root"], graph["cut"]) == (found.winner, False)
    assert {edge["child"] for edge in graph["edges"]} <= {node["candidate"] for node in graph["nodes"]}
    unseen = get(site, f"{path}/measurements", split="unseen", limit=200)
    assert len(unseen["items"]) == unseen["total"]
    assert len({one["instance"] for one in unseen["items"]}) == shown["verdicts"][-1]["verdict"]["instances"]
    compared = get(site, f"{path}/compare/{found.baseline}", split="unseen")
    assert compared["overall"]["ratio"] == pytest.approx(shown["verdicts"][-1]["verdict"]["ratio"], rel=1e-6)
    assert len(compared["points"]) == unseen["total"]
    assert compared["overall"]["low"] < compared["overall"]["ratio"] < compared["overall"]["high"]


def test_a_search_is_asked_for_paused_resumed_and_cancelled(site: Site) -> None:
    made = site.client.post("/v1/runs", json=ORDER)
    assert made.status_code == 201, made.text
    job = made.json()
    assert made.headers["location"] == f"/v1/runs/{job['id']}"
    assert (job["state"], job["owner"], job["config"]["budget"]["evals"]) == ("queued", "local", 7)
    assert job["config"]["base_url"] is None
    assert get(site, made.headers["location"])["job"]["id"] == job["id"]
    states = []
    for wish in ("pause", "resume", "cancel"):
        assert site.client.post(f"/v1/runs/{job['id']}/{wish}").status_code == 200
        states.append(get(site, f"/v1/runs/{job['id']}")["run"]["state"])
    assert states == ["paused", "queued", "cancelled"]
    assert site.client.post(f"/v1/runs/{job['id']}/resume").status_code == 409
    assert [one["id"] for one in get(site, "/v1/runs", state="cancelled")["items"]] == [job["id"]]


def test_a_run_of_the_command_line_is_not_stopped_from_here(site: Site, found: Found) -> None:
    answer = site.client.post(f"/v1/runs/{found.report.run}/cancel")
    assert answer.status_code == 409
    assert "started from a command line" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"instances": ["/etc/passwd"]}, "body.instances.0"),
        ({"instances": ["../up"]}, "body.instances.0"),
        ({"instances": ["sqlite:///x"]}, "body.instances.0"),
        ({"instances": ["README"]}, "no family called 'README'"),
        ({"instances": ["suite:none"]}, "none"),
        ({"instances": ["tseitin:size=many"]}, "no parameter 'size'"),
        ({"instances": []}, "body.instances"),
        ({"domain": "slotforge.testing.landscape"}, "body.domain"),
        ({"slots": ["no_such"]}, "no slot called 'no_such'"),
        ({"strategy": "os"}, "no strategy called 'os'"),
        ({"strategy": "one_plus_lambda:children=x"}, "children=x"),
        ({"model": "openai:gpt-5"}, "is offered here"),
        ({"model": "replay:/etc/passwd"}, "is offered here"),
        ({"base_url": "http://169.254.169.254"}, "body.base_url"),
        ({"executor": "ray"}, "body.executor"),
        ({"options": {"prompts": "/etc/passwd"}}, "body.options.prompts"),
        ({"options": {"block": 1}}, "body.options.block"),
        ({"budget": {"evals": 0}}, "body.budget.evals"),
        ({"seed": -1}, "body.seed"),
    ],
)
def test_a_search_may_name_only_what_the_server_offers(site: Site, change: dict[str, Any], why: str) -> None:
    answer = site.client.post("/v1/runs", json=ORDER | change)
    assert answer.status_code in (404, 422), answer.text
    assert why in answer.json()["detail"]
    assert get(site, "/v1/jobs")["items"] == []


def test_without_a_budget_it_is_a_hundred_proposals_as_on_the_command_line(site: Site) -> None:
    order = {name: value for name, value in ORDER.items() if name != "budget"}
    config = site.client.post("/v1/runs", json=order).json()["config"]
    assert config["budget"] == {"evals": 100, "time_s": None, "tokens": None, "usd": None}
    assert config["options"] == {"tune_share": 0.2, "library": True}
    timed = site.client.post("/v1/runs", json=order | {"budget": {"time_s": 60}}).json()["config"]
    assert timed["budget"]["evals"] is None


def test_a_confirmation_is_a_job(make: Make, tmp_path: Any) -> None:
    site = make(tmp_path / "own.db")
    one = scored(site.store, Candidate(domain="sat", slots={"decay": "x"}))
    path = f"/v1/candidates/{one}/confirm"
    made = site.client.post(path, json={"instances": ["tseitin:30"], "seeds": 2})
    assert made.status_code == 201, made.text
    job = made.json()
    assert made.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["kind"], job["config"]["candidate"], job["config"]["against"]) == ("confirm", one, "baseline")
    assert get(site, "/v1/runs", owner="local")["items"] == []  # it is no run
    assert site.client.post(path, json={"instances": ["tseitin:30"], "against": one}).status_code == 422
    assert site.client.post(path, json={"instances": ["tseitin:30"], "against": "feed"}).status_code == 404
    assert site.client.post("/v1/candidates/feed/confirm", json={"instances": ["tseitin:30"]}).status_code == 404


def test_where_it_is_measured_is_the_servers_to_say_and_workers_of_ray_need_none_of_its_cpus(
    make: Make, tmp_path: Any
) -> None:
    here, there = make(tmp_path / "a.db", cpus=2), make(tmp_path / "b.db", cpus=2, executor="ray")
    for site, executor, status in ((here, "process", 422), (there, "ray", 201)):
        one = scored(site.store, Candidate(domain="sat", slots={"decay": "x"}))
        confirm = (f"/v1/candidates/{one}/confirm", {"instances": ["tseitin:30"]})
        for path, order in (("/v1/runs", ORDER), confirm):
            assert site.client.post(path, json=order | {"workers": 3}).status_code == status
            made = site.client.post(path, json=order | {"workers": 2})
            assert made.json()["config"]["executor"] == executor
            assert site.client.post(path, json=order | {"executor": "inline"}).status_code == 422


@pytest.mark.parametrize("cpus", [1, 2, 3])
def test_a_job_that_asks_for_no_number_of_workers_has_two_where_the_server_has_them(make: Make, cpus: int) -> None:
    site = make(cpus=cpus)
    usual = min(2, cpus)
    assert get(site, "/v1/system")["workers"] == usual
    one = scored(site.store, Candidate(domain="sat", slots={"decay": "x"}))
    for path, order in (("/v1/runs", ORDER), (f"/v1/candidates/{one}/confirm", {"instances": ["tseitin:30"]})):
        assert site.client.post(path, json=order).json()["config"]["workers"] == usual
    field = re.search(r'<input[^>]*name="workers"[^>]*>', site.client.get("/new").text)
    assert field
    assert f'value="{usual}"' in field.group()
    assert f'max="{cpus}"' in field.group()
    token = re.search(r'name="csrf_token" value="(\w+)"', site.client.get(f"/candidates/{one}").text)
    assert token
    form = {"csrf_token": token.group(1), "families": "tseitin:30"}
    assert site.client.post(f"/candidates/{one}/confirm", data=form).status_code == 303


def test_the_system_tells_of_a_cluster_only_where_searches_use_one_and_why_it_cannot_be_used(
    make: Make, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make(tmp_path / "a.db")
    assert (get(here, "/v1/system")["executor"], get(here, "/v1/system")["cluster"]) == ("process", None)
    assert "Ray cluster" not in here.client.get("/system").text
    for address, why in (("", "$RAY_ADDRESS is not set"), ("no-host", "no-host does not answer")):
        monkeypatch.setenv("RAY_ADDRESS", address)
        there = make(tmp_path / f"{address}-b.db", executor="ray")
        there.app.state.context.lookout.seen(60)
        cluster = get(there, "/v1/system")["cluster"]
        assert (cluster["address"], cluster["nodes"]) == (address or None, [])
        assert cluster["why"].startswith(why)
        assert cluster["looked"]
        assert why in there.client.get("/system").text


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_text_that_is_hostile_or_no_unicode_is_told_and_asked_for(
    make: Make, where: str, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    site = make(request.getfixturevalue("postgres") if where == "postgres" else tmp_path / "own.db")
    one = scored(site.store, Candidate(domain="sat", slots={"decay": EVIL}))
    run = get(site, "/v1/runs")["items"][0]["id"]
    reference = Candidate(domain="sat").id
    paths = [
        f"/v1/runs/{run}", f"/v1/runs/{run}/trials", f"/v1/runs/{run}/trials/1", f"/v1/runs/{run}/log",
        f"/v1/runs/{run}/lineage", f"/v1/runs/{run}/curve", "/v1/heuristics", f"/v1/candidates/{one}",
        f"/v1/candidates/{one}/trials", f"/v1/candidates/{one}/measurements", f"/v1/candidates/{one}/lineage",
        f"/v1/candidates/{one}/diff", f"/v1/candidates/{one}/compare/{reference}",
    ]  # fmt: skip
    for path in paths:
        get(site, path)
    assert get(site, f"/v1/candidates/{one}")["slots"]["decay"] == EVIL
    assert get(site, f"/v1/runs/{run}/trials/1")["calls"][0]["completion"]["text"] == EVIL
    hostile = ("\x00", "%", "'; DROP TABLE run; --", "\\", '"', "\u202e")
    for text in hostile:
        for path in ("/v1/runs", "/v1/heuristics"):
            for name in ("text", "domain", "owner", "slot", "family"):
                get(site, path, **{name: text})
        get(site, f"/v1/runs/{run}/trials", operator=text)
        get(site, f"/v1/candidates/{one}/measurements", run=text)
        assert site.client.get(f"/v1/candidates/{one}/diff", params={"to": text}).status_code == 404


def scored(store: SqlStore, candidate: Candidate) -> str:
    """Keep a candidate with texts that nobody vouches for, and its baseline."""
    instance = Instance(id="a", name=EVIL, family=EVIL, path=EVIL)
    config = RunConfig(domain=candidate.domain, instances=("f",))
    run = store.create_run(config, Suite(search=(instance,), select=(), holdout=()), {"machine": EVIL})
    for number, made in enumerate((Candidate(domain=candidate.domain), candidate)):
        measured = Measurement(
            candidate=made.id, instance="a", family=EVIL, seed=0, outcome=Outcome.SOLVED, cost=1, cpu_s=1, reason=EVIL
        )
        prompt = Prompt(operator="mutate", messages=(("user", EVIL),))
        store.record(
            Trial(
                run=run,
                number=number,
                operator=EVIL,
                slots=tuple(made.slots),
                parents=(),
                state=TrialState.SCORED,
                candidate=made,
                reason=EVIL,
                ratio=1.0,
                instances=1,
                calls=(Call(stage=EVIL, prompt=prompt, completion=Completion(text=EVIL, model=EVIL)),),
                measurements=(measured,),
            )
        )
    store.record_event(run, "failed", {"why": EVIL})
    return candidate.id
