"""What pages say of how a run or a confirmation came out: no more than was measured."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from slotforge.core.types import Candidate, Trial
from slotforge.lineage import queries
from slotforge.search.report import NOT_OPENED, Report
from slotforge.service.cli import main
from slotforge.service.jobs import log, work
from slotforge.service.jobs.queue import ConfirmConfig
from slotforge.service.views import runs
from slotforge.service.web import charts
from slotforge.testing import hills, landscape

from ..conftest import Command
from .conftest import BASELINE, EVIL, client
from .markup import read, words
from .test_forms import context, heading


def winner(browser: TestClient) -> str:
    report = runs.shown(context(browser).store, runs.runs(context(browser).store).items[0].id).run.report
    assert report is not None
    return str(report["best"]["candidate"])


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
    assert f"{result['models']} models checked, {result['proofs']} proofs checked." in shown
    control = result["controls"]["tuned_baseline"]
    assert f"Control: the tuned baseline, {control['candidate'][:10]} (" in shown
    assert {verdict.candidate for verdict in queries.show_candidate(store, control["candidate"]).confirmations} == {
        control["candidate"]
    }


def test_the_page_of_a_run_shows_the_controls_beside_the_verdict_and_the_winner_taken_apart(full: TestClient) -> None:
    run = runs.runs(context(full).store).items[0].id
    report = Report.model_validate(runs.shown(context(full).store, run).run.report)
    shown = words(full, f"/runs/{run}")
    for kind, control in report.rivals.items():
        told = f"{charts.CONTROLS[kind]}, {control.candidate[:10]} ({control.name})"
        assert f"Control: the {told}, at {control.ratio:.3f} times the cost of the baseline." in shown
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


def test_a_comparison_has_a_row_and_plots_with_intervals_for_each_family(full: TestClient) -> None:
    candidate = winner(full)
    found = full.get(f"/v1/candidates/{candidate}/compare/{Candidate(domain=landscape.NAME).id}").json()
    assert {*found["families"]} == {"hills", "dunes"}
    page = full.get(f"/compare?a={candidate}").text
    links = {
        parse_qs(link.partition("?")[2].partition("#")[0]).get("family", [""])[0]: link.partition("#")[0]
        for link in read(page).links
        if link.endswith("#plots")
    }
    assert {*links} == {"", "hills", "dunes"}
    for family, link in links.items():
        text, shown = full.get(link).text, words(full, link)
        own = found["families"][family] if family else found["overall"]
        points = [point for point in found["points"] if family in ("", point["family"])]
        told = f"{own['low']:.3f} – {own['high']:.3f}"
        assert f"The line is the mean ratio, {own['ratio']:.3f}, and the band its 95 % interval, {told}" in shown
        assert f"On {family or 'all families'}" in shown
        assert text.count('class="dot ') == len(points) + 2 * len(links), "and of each row in two sizes"
        for name, row in {"": found["overall"], **found["families"]}.items():
            assert f"{row['ratio']:.3f} {row['low']:.3f} – {row['high']:.3f}" in shown, name
        assert text.count('class="band one"') == text.count('class="band two"') == text.count('class="mean"') == 1


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
