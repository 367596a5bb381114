"""What was spent is told by month, owner and model, of runs and of searches for prompts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slotforge.core.types import RunConfig
from slotforge.lineage import ledger
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore
from slotforge.testing.prompt_store_suite import search_of
from slotforge.testing.store_samples import CONFIG, SUITE, sample_call, sample_trial


def of(model: str) -> RunConfig:
    return CONFIG.model_copy(update={"model": model})


def test_searches_for_prompts_count_beside_the_runs_of_the_command_line(store: SqlStore) -> None:
    month = datetime.now(UTC).strftime("%Y-%m")
    run = store.create_run(of("openai:one"), SUITE, {})
    store.record(sample_trial(run, 1).model_copy(update={"calls": (sample_call(1),)}))
    book, ours, other = PromptBook(store), search_of(model="openai:one"), search_of(model="openai:other")
    for search in (ours, other):
        book.open(search)
    for position in range(3):
        book.record_call(ours.id, 0, position, sample_call(position))
    both, alone = ledger.usage(store)
    one = sample_call(1).completion
    assert (both.month, both.owner, both.model) == (month, "local", "openai:one")
    assert (both.runs, both.prompt_searches, both.calls) == (1, 1, 4)
    assert both.input_tokens == 4 * one.input_tokens
    assert both.output_tokens == 4 * one.output_tokens
    assert both.usd == pytest.approx(4 * one.usd)
    assert (alone.model, alone.runs, alone.prompt_searches, alone.calls) == ("openai:other", 0, 1, 0)
    assert ledger.usage(store, owner="ann") == ()


def test_a_recording_costs_nothing_whatever_it_tells(store: SqlStore) -> None:
    for model in ("replay:answers.jsonl", "replay:answers.jsonl,openai:paid"):
        run = store.create_run(of(model), SUITE, {})
        store.record(sample_trial(run, 1).model_copy(update={"calls": (sample_call(1),)}))
    told, mixed = sorted(ledger.usage(store), key=lambda line: len(line.model))
    assert (told.calls, told.input_tokens, told.output_tokens, told.usd) == (1, 0, 0, 0)
    assert mixed.usd > 0, "one of the models was paid"
