"""In what words pages tell costs and facts: short on axes and above columns, with what they stand for beside."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from slotforge.core.comparison import Held, Verdict
from slotforge.core.types import Candidate, Measurement, Outcome, RunConfig, Suite, Trial
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search import worker
from slotforge.service.api.orders import DomainName
from slotforge.service.web.charts import BOTTOM, HEIGHT, TOP

from .conftest import client
from .test_outcomes import words

LETTER = 9  # about how wide, on a phone
CODE = "def priority(item, bins):\n    return -bins\n"


@pytest.mark.parametrize("name", get_args(DomainName))
def test_what_a_cost_counts_fits_an_axis_also_on_a_phone(name: str) -> None:
    label = worker.domain(name).terms.label
    assert len(f"incumbent's {label}") * LETTER < HEIGHT - TOP - BOTTOM


def measured(store: SqlStore, domain: str, slots: dict[str, str]) -> str:
    """Keep a run with a candidate beside the baseline, and return the candidate."""
    config = RunConfig(domain=domain, instances=("weibull_1k_100",))
    run = store.create_run(config, Suite(search=(), select=(), holdout=()), {"compiler": "numpy 2", "flags": ""})
    made = Candidate(domain=domain, slots=slots)
    for number, one in enumerate((Candidate(domain=domain), made)):
        measurement = Measurement(
            candidate=one.id, instance="i1", family="f", seed=1, outcome=Outcome.SOLVED, cost=9.0 - number, cpu_s=1.0
        )
        store.record(
            Trial(
                run=run, number=number, operator="mutate", slots=tuple(one.slots), parents=(), state="scored",
                candidate=one, ratio=1.0, instances=1, measurements=(measurement,),
            )
        )  # fmt: skip
    return made.id


def test_a_long_unit_is_told_once_beside_short_labels_and_no_fact_is_empty(tmp_path: Path) -> None:
    with open_store(tmp_path / "packing.db") as store:
        made = measured(store, "packing", {"priority": CODE})
        verdict = Verdict(ratio=0.5, low=0.4, high=0.6, p=0.01, instances=8, verdict="better", cpu_ratio=1, models=48)
        pair = (Candidate(domain="packing", slots={"priority": CODE}), Candidate(domain="packing"))
        store.record_verdict(None, Held(candidate=pair[0], against=pair[1], verdict=verdict))
    terms = worker.domain("packing").terms
    with client(tmp_path / "packing.db") as browser:
        assert "48 packings checked." in words(browser, f"/candidates/{made}")
        for path in (f"/candidates/{made}", f"/compare?a={made}"):
            shown = words(browser, path)
            assert f"Excess bins: {terms.unit}." in shown
            assert f"'s {terms.unit}" not in shown
        facts = words(browser, f"/candidates/{made}").partition("Environment")[2]
        assert "numpy 2" in facts
        assert "Flags" not in facts


@pytest.mark.parametrize("domain", ["elsewhere", "elsewhere.domain"])
def test_a_candidate_is_shown_whose_domain_is_not_installed_here(tmp_path: Path, domain: str) -> None:
    with open_store(tmp_path / "store.db") as store:
        made, other = (measured(store, domain, {"priority": code}) for code in (CODE, CODE * 2))
    with client(tmp_path / "store.db") as browser:
        assert "return -bins" in words(browser, f"/candidates/{made}")
        for path in (f"/candidates/{made}/card", f"/candidates/{made}/compilation", f"/compare?a={made}&b={other}"):
            assert browser.get(path).status_code == 200
        diff = browser.get(f"/v1/candidates/{made}/diff").json()["slots"]["priority"]
        assert [line[1:] for line in diff.splitlines() if line.startswith("+")][1:] == CODE.splitlines()
        assert browser.post(f"/v1/candidates/{made}/compilation").json()["state"] == "uncompiled"
