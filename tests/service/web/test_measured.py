"""What pages say of how a candidate was measured: in which runs, and against what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.types import Candidate, Measurement, Outcome, Suite, Trial
from slotforge.lineage.store import SqlStore
from slotforge.service.views import runs
from slotforge.service.web.pages import candidate as pages
from slotforge.service.web.pages import run as run_pages
from slotforge.testing import hills

from .conftest import BASELINE, client
from .markup import read, words
from .test_forms import context


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


def test_a_page_of_a_run_shows_one_moment(unbeaten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that is recorded while the page is made stands in none of its parts."""
    made = Candidate(domain="sat", slots={"decay": "// meanwhile"})
    with client(unbeaten) as browser:
        store = context(browser).store
        run = opened(store)
        trial(store, run, 0, BASELINE, 8)
        trial(store, run, 1, made, 4)
        read_before = run_pages.yields

        def meanwhile(*asked: Any) -> Any:
            found = read_before(*asked)
            trial(store, run, 2, made, 2)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(run_pages, "yields", meanwhile)
            during = browser.get(f"/runs/{run}").text
        after = browser.get(f"/runs/{run}").text
    assert ("trial 1: " in during, "trial 2: " in during) == (True, False)
    assert "trial 2: " in after
