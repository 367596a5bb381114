"""The application on stores that are empty, full, or full of what a hostile model says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from slotforge.core.types import (
    Budget,
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
)
from slotforge.lineage.store import open_store
from slotforge.search.discover import Discovery
from slotforge.search.report import NOT_OPENED, Baseline, Best, Cost, Report, nothing_tested
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.testing import hills, landscape

EVIL = (
    "</pre></script><script>alert(1)</script><evil onclick=\"x\" data-a='y'>&lt;evil&gt;"
    "\x00\x1b\u202e\ud800'\"`{{ 7*7 }}"
)
LONG = "<evil>" * 20_000
BASELINE = Candidate(domain="sat")
TRIED = {-3039: "scored", -1: "scored", 0: "scored", 1: "scored", 2: "failed"}


def client(store: Path) -> TestClient:
    """Return a browser, more or less, in front of the application."""
    return TestClient(make_app(Settings(store=str(store))), base_url="http://localhost", follow_redirects=True)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[TestClient]:
    with client(tmp_path / "empty.db") as made:
        yield made


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Search once, with a winner and some failures."""
    config = RunConfig(
        domain=landscape.NAME,
        instances=("hills", "dunes"),
        budget=Budget(evals=8),
        executor="inline",
        options={"per_family": 12},
    )
    path = tmp_path_factory.mktemp("searched") / "store.db"
    with open_store(path) as store:
        assert Discovery(config=config, store=store).run().best.slots
    return path


@pytest.fixture
def full(searched: Path, tmp_path: Path) -> Iterator[TestClient]:
    """Look at a finished run on the landscape."""
    shutil.copy(searched, tmp_path / "full.db")
    with client(tmp_path / "full.db") as made:
        yield made


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


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[TestClient]:
    """Look at a run whose every text tries to be markup."""
    with open_store(tmp_path / "hostile.db") as store:
        instance = Instance(id="i1", name=EVIL, family=EVIL, path="", size=EVIL)
        suite = Suite(search=(instance,), select=(), holdout=(), warnings=(EVIL,))
        config = RunConfig(
            domain="sat", instances=("sgen:23",), strategy=EVIL, model=EVIL, budget=Budget(evals=9), options={"a": EVIL}
        )
        run = store.create_run(config, suite, {"compiler": EVIL})
        store.open_session(run)
        for trial in _trials(run):
            store.record(trial)
        store.record_event(run, "failed", {"why": EVIL})
        store.record_artefact(_candidate(1), EVIL.replace("\ud800", ""), tmp_path / "x")
        store.finish(run, "finished", {}, why=EVIL)
    with client(tmp_path / "hostile.db") as made:
        yield made


def _candidate(number: int) -> Candidate:
    return Candidate(domain="sat", slots={"restart_due": f"// {number} {EVIL}"} if number else {})


def _trials(run: str) -> Iterator[Trial]:
    prompt = Prompt(operator=EVIL, messages=(("system", EVIL), ("user", EVIL)))
    call = Call(stage=EVIL, prompt=prompt, completion=Completion(text=EVIL + LONG, model=EVIL))
    for number in range(3):
        made = _candidate(number)
        yield Trial(
            run=run,
            number=number,
            operator=EVIL if number else "baseline",
            slots=("restart_due",) if number else (),
            parents=(_candidate(0).id,) if number else (),
            state="scored",
            candidate=made,
            ratio=1 - number / 10,
            instances=1,
            calls=(call,) if number else (),
            measurements=(
                Measurement(
                    candidate=made.id, instance="i1", family=EVIL, seed=1, outcome=Outcome.SOLVED, cost=1e6 - number,
                    cpu_s=1.0, answer=EVIL, evidence=EVIL, reason=EVIL,
                ),
            ),
        )  # fmt: skip
    yield Trial(run=run, number=3, operator=EVIL, slots=(EVIL,), parents=(), state="failed", reason=EVIL, calls=(call,))
