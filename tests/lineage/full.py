"""A store that holds something in every table, written as the program writes it."""

from __future__ import annotations

from pathlib import Path

from slotforge.lineage import audit, blobs, jobs, keys, replies, servers, suites
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore
from slotforge.testing.prompt_store_suite import SEARCH, sampled
from slotforge.testing.store_samples import (
    CONFIG,
    SUITE,
    changed,
    held,
    sample_call,
    sample_pairs,
    sample_trial,
    sample_verdict,
)


def fill_every_table(store: SqlStore) -> None:
    """Keep a run that has ended, a search for prompts, and what a service keeps."""
    fill_run(store)
    fill_prompts(PromptBook(store))
    fill_service(store)
    store.flush()


def fill_run(store: SqlStore) -> None:
    """Keep a run with its trials, the verdict of its winner, and an export."""
    run = store.create_run(CONFIG, SUITE, {"compiler": "g++ 12"})
    store.open_session(run)
    for number in range(3):
        trial = sample_trial(run, number, log={"decay": "warning: unused variable"})
        store.record(trial.model_copy(update={"selection": trial.measurements, "calls": (sample_call(number),)}))
    best = sample_trial(run, 1).candidate
    assert best is not None
    store.record_artefact(best, "cpp", Path("/out.hpp"))
    store.record_interim(run, "asked for", changed(sample_pairs(best), seed=lambda run: run.seed + 1)[0].runs)
    told = held(best, sample_verdict(0.8), pairs=sample_pairs(best), environment={"a": "b"})
    store.finish(run, "finished", {"best": best.id}, verdicts=[told])


def fill_prompts(book: PromptBook) -> None:
    """Keep a search for prompts with a variant that was sampled."""
    book.open(SEARCH)
    book.record_call(SEARCH.id, 0, 1, sample_call(0))
    book.record(SEARCH.id, sampled(0))


def fill_service(store: SqlStore) -> None:
    """Keep a key, a job that has ended, a server, an upload in a suite, an answer to be given again, and a deed."""
    keys.add_key(store, "ann", ["run"], limits=keys.Allowance(runs=2, usd=1.5, bytes=1 << 40), days=30)
    with store.writing() as connection:
        config, wanted = CONFIG.model_dump(mode="json"), {"cpus": 2, "usd": 1.5}
        jobs.add(connection, id="0123456789", kind="search", owner="ann", priority=1, config=config, **wanted)
        jobs.change(connection, "0123456789", state=jobs.FINISHED, result={"ratio": 0.8})
    servers.sign(store, "here", {"cpus": 2})
    blobs.keep(store, "b" * 64, [b"\x00\xff", b"p cnf"], name="a.cnf", owner="ann", size=7, facts={"variables": 1})
    suites.put(store, "mine", ["b" * 64], owner="ann")
    replies.keep(store, replies.claim(store, "ann", "one", "digest"), {"status": 201, "headers": {}, "body": "{}"})
    audit.note(store, actor="ann", action="POST /v1/runs", target="0123456789", facts={"status": 201})
