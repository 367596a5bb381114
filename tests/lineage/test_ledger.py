"""What was spent is told by month, owner and model, of runs and of searches for prompts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from slotforge.lineage import ledger
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import open_store
from slotforge.testing.prompt_store_suite import search_of
from slotforge.testing.store_suite import CONFIG, SUITE, sample_call, sample_trial


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_searches_for_prompts_count_beside_the_runs_of_the_command_line(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where = request.getfixturevalue("postgres") if kind == "postgres" else tmp_path / "store.db"
    month = datetime.now(UTC).strftime("%Y-%m")
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1).model_copy(update={"calls": (sample_call(1),)}))
        book, ours, other = PromptBook(store), search_of(model=CONFIG.model), search_of(model="openai:other")
        for search in (ours, other):
            book.open(search)
        for position in range(3):
            book.record_call(ours.id, 0, position, sample_call(position))
        both, alone = sorted(ledger.usage(store), key=lambda line: line.model != CONFIG.model)
        one = sample_call(1).completion
        assert (both.month, both.owner, both.model) == (month, "local", CONFIG.model)
        assert (both.runs, both.prompt_searches, both.calls) == (1, 1, 4)
        assert both.input_tokens == 4 * one.input_tokens
        assert both.output_tokens == 4 * one.output_tokens
        assert both.usd == pytest.approx(4 * one.usd)
        assert (alone.model, alone.runs, alone.prompt_searches, alone.calls) == ("openai:other", 0, 1, 0)
        assert ledger.usage(store, owner="ann") == ()
