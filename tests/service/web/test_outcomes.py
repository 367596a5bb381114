"""What pages say of how a run or a confirmation came out: no more than was measured."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.types import Candidate, Measurement, Outcome, Suite, Trial
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search.report import NOT_OPENED, Baseline, Best, Cost, Report, nothing_tested
from slotforge.service.cli import main
from slotforge.service.jobs import log, work
from slotforge.service.jobs.queue import ConfirmConfig
from slotforge.service.views import runs
from slotforge.service.web.pages import candidate as pages
from slotforge.testing import hills

from ..conftest import Command
from .conftest import EVIL, client
from .markup import read
from .test_forms import context, heading

BASELINE = Candidate(domain="sat")
TRIED = {-3039: "scored", -1: "scored", 0: "scored", 1: "scored", 2: "failed"}


def words(browser: TestClient, path: str) -> str:
    """Return the text of a sound page."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text[:300]
    page = read(answer.text)
    assert page.wrong == []
    return re.sub(r"\s+", " ", " ".join(page.text))


def winner(browser: TestClient) -> str:
    report = runs.shown(context(browser).store, runs.runs(context(browser).store).items[0].id).run.report
    assert report is not None
    return str(report["best"]["candidate"])


@pytest.fixture
def unbeaten(tmp_path: Path) -> Path:
    """Keep a run in which nothing beat the baseline, so that the holdout split stayed closed."""
    path = tmp_path / "unbeaten.db"
    with open_store(path) as store:
        config = hills.config(domain="sat", instances=("sgen:23",))
        run = store.create_run(config, Suite(search=(), select=(), holdout=()), {})
        for number, state in TRIED.items():
            made = Candidate(domain="sat", slots={"decay": f"// {number}"}) if number else BASELINE
            ratio = 1 + abs(number) / 100 if state == "scored" else None
            store.record(
                Trial(
                    run=run, number=number, operator="mutate", slots=("decay",), parents=(), state=state,
                    candidate=made, ratio=ratio,
                )
            )  # fmt: skip
        report = Report(
            run=run,
            state="finished",
            trials=2,
            states={"scored": 1, "failed": 1},
            baseline=Baseline(candidate=BASELINE.id),
            best=Best(candidate=BASELINE.id, slots={}, ratio_search=1),
            holdout=nothing_tested(NOT_OPENED),
            controls={},
            cost=Cost(usd=0, tokens=0, cpu_s=1),
        )
        store.finish(run, "finished", report.model_dump(mode="json"))
    return path


def test_the_page_of_a_confirmation_that_has_finished_shows_its_verdict(full: TestClient) -> None:
    queue, store = context(full).queue, context(full).store
    config = ConfirmConfig(candidate=winner(full), instances=("hills",), per_family=12, executor="inline", seed=7)
    job = queue.submit(config, owner="ann")
    lease = queue.take("server")
    assert lease is not None
    ended = work.confirm(job, store)
    queue.release(lease, ended.state, result=ended.result, run=ended.run, verdicts=ended.verdicts)
    shown = words(full, f"/jobs/{job.id}")
    assert 'class="state finished"' in heading(full.get(f"/jobs/{job.id}").text)
    result = queue.job(job.id).result
    assert result is not None
    assert f"Cost on {result['instances']} instances" in shown
    control = result["controls"]["tuned_baseline"]
    assert f"The tuned baseline of its search, on the same instances: {control['candidate'][:10]}" in shown
    assert {verdict.candidate for verdict in queries.show_candidate(store, control["candidate"]).confirmations} == {
        control["candidate"]
    }


def test_the_page_of_a_run_shows_the_controls_beside_the_verdict_and_the_winner_taken_apart(full: TestClient) -> None:
    run = runs.runs(context(full).store).items[0].id
    report = Report.model_validate(runs.shown(context(full).store, run).run.report)
    shown = words(full, f"/runs/{run}")
    for kind, control in report.rivals.items():
        assert f"Control: {kind.replace('_', ' ')} {control.candidate[:10]} ({control.name})." in shown
    assert report.ablation is not None
    assert "Taken apart" in shown
    for part in report.ablation.parts:
        assert part.slot in shown.partition("Taken apart")[2]
    assert all(line in shown for line in report.ablation.words)


def test_what_was_not_measured_has_no_figure_and_a_reason(unbeaten: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with client(unbeaten) as browser:
        run = runs.runs(context(browser).store).items[0].id
        shown = words(browser, f"/runs/{run}")
    assert re.search(rf"On unseen instances\s*–\s*not measured: {NOT_OPENED}", shown)
    assert "8.000" not in shown
    assert "beat the baseline on unseen" not in shown
    with suppress(SystemExit):
        main(["show", run, "--store", str(unbeaten)])
    said = capsys.readouterr().out
    assert f"not measured on unseen instances, because {NOT_OPENED}" in said
    assert "beat the baseline on unseen" not in said


def test_the_best_of_an_earlier_report_gives_way_to_what_was_better_since(unbeaten: Path, cli: Command) -> None:
    better = Candidate(domain="sat", slots={"decay": "// better"})
    with client(unbeaten) as browser:
        store = context(browser).store
        id_ = runs.runs(store).items[0].id
        early = {"candidate": "feed" * 4, "slots": {"decay": "//"}, "ratio_search": 0.9}
        report = {**(runs.shown(store, id_).run.report or {}), "state": "interrupted", "best": early, "holdout": None}
        store.finish(id_, "cancelled", report)
        assert f"/candidates/{early['candidate']}" in read(browser.get(f"/runs/{id_}").text).links
        store.record(
            Trial(
                run=id_, number=3, operator="mutate", slots=("decay",), parents=(), state="scored",
                candidate=better, ratio=0.8,
            )
        )  # fmt: skip
        store.flush()
        links = read(browser.get(f"/runs/{id_}").text).links
        told = browser.get(f"/v1/runs/{id_}").json()["run"]["report"]["best"]
    assert f"/candidates/{better.id}" in links
    assert f"/candidates/{early['candidate']}" not in links
    assert (told["candidate"], told["ratio_search"], told["slots"]) == (better.id, 0.8, better.slots)
    shown = cli("show", id_, "--store", str(unbeaten)).out
    assert f"best so far {better.id} replaces decay" in shown


def test_what_became_of_candidates_leaves_out_the_baseline_and_controls(unbeaten: Path) -> None:
    with client(unbeaten) as browser:
        run = runs.runs(context(browser).store).items[0].id
        shown = words(browser, f"/runs/{run}")
        links = read(browser.get(f"/runs/{run}/trials").text).links
    listed = [int(link.rpartition("/")[2]) for link in links if "/trials/" in link]
    assert re.search(r"What became of them .* failed\s+1\s+scored\s+1 ", shown)
    assert listed == [2, 1, 0, -1, -3039]


def test_the_baseline_may_stand_on_either_side_of_a_comparison(full: TestClient) -> None:
    candidate = winner(full)
    for a, b in (("baseline", candidate), (candidate, "baseline"), (candidate, "")):
        assert "the baseline" in heading(full.get("/compare", params={"a": a, "b": b}).text)
    answer = full.get("/compare?a=baseline&b=baseline")
    assert answer.status_code == 422
    assert "give the id of a candidate" in answer.text


def test_the_instances_of_a_comparison_are_of_the_split_that_a_button_chooses(full: TestClient) -> None:
    address = f"/compare?a={winner(full)}&family=hills"
    links = {
        parse_qs(urlsplit(link).query)["split"][0]: link
        for link in read(full.get(address).text).links
        if "split=" in link
    }
    assert {*links} == {"search", "select", "unseen"}
    runs_of = {}
    for split, link in {"": address.partition("&")[0], **links}.items():
        text = full.get(link).text
        listed = re.findall(r"<td>(search|select|unseen)</td>", text)
        assert listed
        assert split in ("", *listed)
        assert len({*listed}) == 1 or not split
        buttons = re.search('aria-label="Split">.*?</nav>', text)
        assert buttons
        assert re.findall(r'split=(\w+)" aria-current="true"', buttons[0]) == ([split] if split else [])
        assert "family=" not in link, "a family that one split has need not be in another"
        runs_of[split] = len(listed)
    assert runs_of.pop("") == sum(runs_of.values())


def test_a_candidate_is_shown_against_the_incumbent_of_its_race_or_against_the_baseline(full: TestClient) -> None:
    store = context(full).store
    run = runs.runs(store).items[0].id
    trials = store.trials(run)
    raced = next(
        trial
        for _, trial in sorted(trials.items(), reverse=True)
        if trial.scored and trial.against and trial.number > 0
    )
    assert raced.candidate is not None
    assert raced.against is not None
    incumbent = trials[raced.against].candidate
    assert incumbent is not None
    address = f"/candidates/{raced.candidate.id}"
    page, shown = read(full.get(address).text), words(full, address)
    assert "Against the incumbent" in shown
    assert "Incumbent's Ratio" in shown
    assert f"the incumbent, from trial {raced.against} , when trial {raced.number} was raced" in shown
    assert f"/candidates/{incumbent.id}" in page.links
    assert f"/runs/{run}/trials/{raced.against}" in page.links
    other = next(link for link in page.links if "against=baseline" in link).partition("#")[0]
    held = words(full, other)
    assert "Against the baseline" in held
    assert "Baseline's Ratio" in held
    assert f"It was raced against {incumbent.id[:10]} , the incumbent" in held
    assert full.get(f"{address}?against=nothing").status_code == 422
    ratios = {
        against: [line["ratio"] for line in full.get(f"/v1{address}/measurements?against={against}").json()["items"]]
        for against in ("incumbent", "baseline")
    }
    costs = {m.instance: m.cost for m in trials[raced.against].measurements}
    assert ratios["incumbent"] == [m.cost / costs[m.instance] for m in raced.measurements]
    assert ratios["baseline"] != ratios["incumbent"]
    told = full.get(f"/v1{address}").json()
    assert told["incumbent"] == {"candidate": incumbent.id, "number": raced.against}
    assert words(full, f"/runs/{run}/trials/{raced.number}").count(f"Raced against {raced.against}") == 1


def test_a_candidate_of_a_run_from_before_races_were_kept_is_shown_against_the_baseline(unbeaten: Path) -> None:
    tried = Candidate(domain="sat", slots={"decay": "// old"})
    with client(unbeaten) as browser:
        run = opened(context(browser).store)
        for number, made, cost in ((0, BASELINE, 8.0), (1, tried, 2.0)):
            trial(context(browser).store, run, number, made, cost)
        shown = words(browser, f"/candidates/{tried.id}")
        told = browser.get(f"/v1/candidates/{tried.id}").json()
    assert "Against the baseline" in shown
    assert "0.250 times the cost of the baseline in 1 run of each on search instances." in shown
    assert "Against what it was raced is not known." in shown
    assert (told["incumbent"], told["made"]["against"]) == (None, None)


def opened(store: SqlStore) -> str:
    """Open a run without instances."""
    config = hills.config(domain="sat", instances=("sgen:23",))
    return store.create_run(config, Suite(search=(), select=(), holdout=()), {})


def measured(made: Candidate, cost: float, seed: int = 0, outcome: Outcome = Outcome.SOLVED) -> Measurement:
    return Measurement(candidate=made.id, instance="i", family="f", seed=seed, outcome=outcome, cost=cost, cpu_s=1.0)


def trial(store: SqlStore, run: str, number: int, made: Candidate, *costs: float, **more: Any) -> None:
    """Record a trial that was measured once with each seed. last: how the last run came out."""
    last = {len(costs) - 1: more.pop("last", Outcome.SOLVED)}
    runs = tuple(measured(made, cost, seed, last.get(seed, Outcome.SOLVED)) for seed, cost in enumerate(costs))
    usual = {"operator": "mutate", "slots": tuple(made.slots), "parents": (), "state": "scored", "ratio": 0.5}
    fields = {**usual, "instances": len(costs), "measurements": runs, **more}
    store.record(Trial(run=run, number=number, candidate=made, **fields))
    store.flush()


def test_a_mean_ratio_is_told_with_the_runs_that_it_is_of(unbeaten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Candidate(domain="sat", slots={"decay": "// failed once"})
    with client(unbeaten) as browser:
        store = context(browser).store
        run = opened(store)
        trial(store, run, 0, BASELINE, 8, 8, 8)
        trial(store, run, 1, made, 4, 4, 1, last=Outcome.WRONG)
        shown = words(browser, f"/candidates/{made.id}")
        assert "0.500 times the cost of the baseline in 2 runs of each on search instances, without 1 that" in shown
        monkeypatch.setattr(pages, "DOTS", 2)
        shown = words(browser, f"/candidates/{made.id}")
        assert "Drawn are the first 2 of 3 runs on search instances, without a mean." in shown
        assert "times the cost" not in shown


def test_an_incumbent_without_measurements_is_told_of_the_trial_whose_measurements_are_shown(unbeaten: Path) -> None:
    first, second = (Candidate(domain="sat", slots={"decay": f"// {name}"}) for name in ("first", "second"))
    with client(unbeaten) as browser:
        store = context(browser).store
        run, other = opened(store), opened(store)
        for one in (run, other):
            trial(store, one, 0, BASELINE, 8, 8)
        trial(store, run, 1, first, against=0)
        trial(store, run, 2, second, 4, 4, against=1, state="raced_out", ratio=None)
        trial(store, other, 1, second, 4, against=0)
        furthest = browser.get(f"/v1/candidates/{second.id}").json()
        assert (furthest["made"]["run"], furthest["incumbent"]["candidate"]) == (other, BASELINE.id)
        told = browser.get(f"/v1/candidates/{second.id}/measurements").json()
        assert (told["run"], told["against"], told["incumbent"]) == (run, 1, None)
        shown = words(browser, f"/candidates/{second.id}")
    assert "No measurements of its incumbent are kept for these." in shown
    assert "not measured on these" not in shown


def test_a_confirmed_candidate_opens_on_unseen_instances_unless_its_race_has_more_to_show(unbeaten: Path) -> None:
    first, second = (Candidate(domain="sat", slots={"decay": f"// {name}"}) for name in ("first", "second"))
    with client(unbeaten) as browser:
        store = context(browser).store
        run = opened(store)
        for number, made in enumerate((BASELINE, first, second)):
            trial(store, run, number, made, 8 - number, against=number - 1 if number else None)
            pairs = (Pair(candidate=measured(made, 2), against=measured(BASELINE, 4)),)
            verdict = Verdict(ratio=0.5, low=0.4, high=0.9, p=0.01, instances=1, cpu_ratio=0.8, verdict="better")
            if number:
                store.record_verdict(run, Held(candidate=made, against=BASELINE, verdict=verdict, pairs=pairs))
        assert "in 1 run of each on unseen instances" in words(browser, f"/candidates/{first.id}")
        assert "in 1 run of each on search instances" in words(browser, f"/candidates/{second.id}")
        assert "in 1 run of each on search instances" in words(browser, f"/candidates/{first.id}?split=search")


def test_why_a_build_failed_is_told_once_and_also_where_another_trial_got_further(unbeaten: Path) -> None:
    made = Candidate(domain="sat", slots={"decay": "// once"})
    log, why = {"decay": "candidate:1:1: error: no such name"}, "decay: line 1: no such name"
    with client(unbeaten) as browser:
        store = context(browser).store
        trial(store, opened(store), 1, made, state="failed", ratio=None, reason=why, log=log)
        assert words(browser, f"/candidates/{made.id}").count(why) == 2, "in the note, and in the list of its trials"
        trial(store, opened(store), 1, made, 4)
        shown = words(browser, f"/candidates/{made.id}")
    assert why in shown.partition("Compile log")[2].partition("candidate:1:1")[0]


def test_a_split_that_two_candidates_have_nothing_of_is_told_beside_the_others(full: TestClient) -> None:
    reference = context(full).store
    other = next(
        one.candidate.id
        for one in reference.trials(runs.runs(reference).items[0].id).values()
        if one.number > 0 and one.candidate and one.state == "scored" and one.candidate.id != winner(full)
    )
    page = full.get(f"/compare?a={other}&split=unseen")
    assert "never on one of this split" in page.text
    assert len([link for link in read(page.text).links if "split=" in link]) == 3


def test_what_the_process_of_a_job_said_stands_on_its_page_and_is_no_markup(empty: TestClient) -> None:
    queue = context(empty).queue
    for config, page_of in (
        (hills.config(), "/runs"),
        (ConfirmConfig(candidate=BASELINE.id, instances=("sgen:23",)), "/jobs"),
    ):
        job = queue.submit(config, owner="ann").id
        assert "What its process said" not in words(empty, f"{page_of}/{job}")
        file = log.path(job)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"line {number}\n" for number in range(2000)) + f"{EVIL.replace(chr(0xD800), '')}\n")
        shown, alone = words(empty, f"{page_of}/{job}"), words(empty, f"/jobs/{job}/log")
        assert "<evil onclick" in shown
        assert ("line 1990 " in shown, "line 1 " in shown, "line 1 " in alone) == (True, False, True)
        assert empty.get(f"/v1/jobs/{job}/log?size=2000").json()["cut"] is True
    assert empty.get("/v1/jobs/00ff00ff/log").status_code == 404


def test_a_candidate_of_which_no_compile_log_is_kept_is_compiled_only_when_a_button_asks(hostile: TestClient) -> None:
    page = read(hostile.get("/library").text)
    address = next(link for link in page.links if link.startswith("/candidates/"))
    shown = hostile.get(address).text
    assert "No trial has kept what the compiler said of it." in words(hostile, address)
    assert f'action="{address}/compilation"' in shown
    token = re.search('name="csrf_token" value="([^"]+)"', shown)
    assert token
    answer = hostile.post(f"{address}/compilation", data={"csrf_token": token[1]})
    told = read(answer.text)
    assert (answer.status_code, told.wrong) == (200, [])
    assert "It was not compiled." in "".join(told.text)
    assert f'action="{address}/compilation"' in answer.text, "the button is still there"
    assert [one.status_code for one in answer.history] == [303], "so that it can be loaded again"
    assert "It was not compiled." in words(hostile, f"{address}/compilation")
    assert (
        f'action="{address}/compilation"'
        in hostile.post(f"{address}/compilation", data={"csrf_token": token[1]}, headers={"HX-Request": "true"}).text
    )
    assert hostile.get("/candidates/feedfeedfeedfeed/compilation").status_code == 404


@pytest.mark.parametrize("state", ["finished", "interrupted"])
@pytest.mark.parametrize("best", [{}, {"ratio_search": 0.9}, "none"])
def test_a_report_that_cannot_be_read_is_said_to_be_so_and_the_rest_of_its_run_is_shown(
    unbeaten: Path, cli: Command, state: str, best: object
) -> None:
    """As a version with other fields would have left it."""
    with client(unbeaten) as browser:
        store = context(browser).store
        id_ = runs.runs(store).items[0].id
        left = {"state": state, "best": best, "holdout": {"verdict": "better"}}
        store.finish(id_, state, left)
        shown = words(browser, f"/runs/{id_}")
        assert shown.count("Its report cannot be read") == 1
        assert "What became of them" in shown
        answer = browser.get(f"/v1/runs/{id_}")
        assert answer.status_code == 200
        assert answer.json()["run"]["report"] == left
        words(browser, "/")
    said = cli("show", id_, "--store", str(unbeaten))
    assert said.code == 0
    assert said.out.count("its report cannot be read") == 1
    if state == "finished":
        assert "its report cannot be read" in cli("resume", id_, "--store", str(unbeaten)).error
