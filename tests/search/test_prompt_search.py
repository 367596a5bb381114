"""A search for prompts finds the variant whose answers differ, records everything, and goes on where it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import KillsWorkers, ModelError, UnknownId, UsageError
from slotforge.core.prompting import PromptRecord, PromptSearch
from slotforge.core.types import Budget, Candidate, RunConfig, Trial, TrialState
from slotforge.lineage.ledger import usage
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore, open_store
from slotforge.prompts.variants import shipped, variant
from slotforge.search.discover import Discovery
from slotforge.search.executors.inline import Inline
from slotforge.search.prompt_search import known
from slotforge.search.prompt_search.job import PromptJob
from slotforge.testing import landscape
from slotforge.testing.fake_chat import FakeChat, Reply, failure, garbage, serve

WRITTEN = ("NARROW {names}", "DIVERSE {names}", "BROKEN {names}")  # what the model makes of the task, in turns
NUMBERS = landscape.Landscape.numbers
FIRST = 5 * 4 + 3  # completions: the shipped variant, three that are written, and one more


def model(request: Mapping[str, Any]) -> Reply | str:
    """Answer as the prompt says: with another policy each time, the same, one that is known, or none that builds."""
    texts = [message["content"] for message in request["messages"]]
    number = int(re.findall(r"Proposal (\d+)\.$", texts[-1])[0])
    if "=== task ===" in texts[-1]:
        return f"Here it is.\n\n=== task ===\n{WRITTEN[(number - 2) % 3]}\n"
    source = "0.75" if number % 2 else "0.33"
    for word, answer in (("NARROW", "0.31"), ("DIVERSE", f"0.{600 + number}"), ("BROKEN", "broken")):
        source = answer if word in texts[-1] else source
    return Reply(
        text=f"An idea.\n\n```cpp\n// slot: alpha\n{source}\n```\n", usage=(100, 50 if "DIVERSE" in texts[-1] else 20)
    )


@pytest.fixture(autouse=True)
def none_to_tune(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy of the landscape is one number; here it stands for code without any."""
    monkeypatch.setattr(landscape.Landscape, "numbers", lambda *_: {})


@pytest.fixture
def server() -> Iterator[FakeChat]:
    with serve(model) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with open_store(tmp_path / "store.db") as opened:
        yield opened


def job(store: SqlStore, url: str, completions: int = FIRST, **changes: Any) -> PromptJob:
    settings: dict[str, Any] = {
        "domain": landscape.NAME,
        "operator": "mutate",
        "slots": ("alpha",),
        "model": "openai:any",
        "base_url": url,
        "samples": 4,
    }
    budget = changes.pop("budget", Budget())
    search = PromptSearch(**(settings | changes))
    return PromptJob(search=search, completions=completions, store=store, budget=budget, executor="inline")


def tasks(record: PromptRecord) -> list[str]:
    return [one.variant.sections["task"].partition(" ")[0] for one in record.sampled]


def test_the_variant_whose_answers_differ_ranks_first(store: SqlStore, server: FakeChat) -> None:
    record = job(store, server.url).run()
    assert tasks(record)[:4] == ["Improve", "NARROW", "DIVERSE", "BROKEN"]
    plain, narrow, diverse, broken = (one.figures for one in record.sampled[:4])
    assert diverse.score > plain.score > narrow.score == broken.score == 0
    assert (diverse.clusters, diverse.compile_rate, diverse.novelty) == (4, 1, 1)
    assert (plain.clusters, plain.novelty) == (2, 0.5)  # 0.75 is a built-in policy
    assert (broken.compile_rate, record.sampled[3].samples[0].reason) == (0, "line 1: this does not compile")
    assert known.ranked(record)[0].variant.sections["task"] == "DIVERSE {names}"
    assert [one.origin for one in record.sampled[:4]] == ["shipped", "rewritten", "rewritten", "rewritten"]
    assert record.sampled[2].parents == (shipped("mutate").id,)


def test_code_over_which_workers_are_lost_does_not_compile_and_the_search_goes_on(
    store: SqlStore, server: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Inline.submit

    def submit(self: Inline, function: Callable[..., Any], *arguments: Any) -> Any:
        if any(one.slots.get("alpha", "").strip() == "0.31" for one in arguments[0]):
            raise KillsWorkers("3 workers were lost")
        return right(self, function, *arguments)

    monkeypatch.setattr(Inline, "submit", submit)
    record = job(store, server.url).run()
    assert {sample.reason for sample in record.sampled[1].samples} == {"3 workers were lost"}
    assert tasks(record)[:4] == ["Improve", "NARROW", "DIVERSE", "BROKEN"]


def test_answers_that_differ_in_declared_numbers_alone_are_one_kind(
    store: SqlStore, server: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are tuned elsewhere; a prompt gains nothing by having others guessed."""
    monkeypatch.setattr(landscape.Landscape, "numbers", NUMBERS)
    record = job(store, server.url).run()
    assert [(one.figures.clusters, one.figures.novelty) for one in record.sampled[:2]] == [(1, 0), (1, 0)]


def test_the_front_trades_score_for_cost(store: SqlStore, server: FakeChat) -> None:
    record = job(store, server.url).run()
    best, *rest = known.ranked(record)
    assert best.figures.tokens == 150
    assert [one.variant for one in rest] == [shipped("mutate")]
    assert rest[0].figures.tokens == 120


def test_every_completion_is_kept_and_no_budget_is_passed(store: SqlStore, server: FakeChat) -> None:
    record = job(store, server.url).run()
    assert record.completions == len(server.requests) == len(PromptBook(store).calls(record.search.id)) <= FIRST
    assert record.tokens == sum(call.completion.input_tokens + call.completion.output_tokens
                                for call in PromptBook(store).calls(record.search.id).values())  # fmt: skip
    asked = job(store, server.url, seed=1, budget=Budget(tokens=1))
    assert asked.run().completions == 0
    assert "tokens" in asked.stopped


def test_the_model_is_told_the_sections_and_what_they_came_to(store: SqlStore, server: FakeChat) -> None:
    job(store, server.url).run()
    asked = [r["messages"][-1]["content"] for r in server.requests if "=== task ===" in r["messages"][-1]["content"]]
    assert all("Improve {names} of the parent." in text and "Section `role`" in text for text in asked[:2])
    assert (
        "score 0.347: 2 kinds of code in 4 answers (entropy 0.69), 4 of 4 compile, 50% of the kinds are new" in asked[0]
    )
    assert "one that does not compile" not in asked[0]
    assert len(set(asked)) == len(asked)


def test_local_search_puts_sections_together_without_the_model(store: SqlStore, server: FakeChat) -> None:
    record = job(store, server.url, completions=40).run()
    made = [one for one in record.sampled if one.origin in ("edited", "recombined")]
    assert made
    assert all(one.parents for one in made)
    assert len({one.variant.id for one in record.sampled if not one.again}) == len(
        [one for one in record.sampled if not one.again]
    )


def test_the_best_is_sampled_again_beside_the_shipped_one_with_other_proposals(
    store: SqlStore, server: FakeChat
) -> None:
    record = job(store, server.url, completions=40).run()
    again = [one for one in record.sampled if one.again]
    assert again[0].variant == shipped("mutate")
    assert len(again) == 2
    questions = [
        call.prompt.messages[-1][1] for (n, _), call in PromptBook(store).calls(record.search.id).items() if n > 99
    ]
    assert sorted(int(text.split()[-1][:-1]) for text in questions) == [5, 5, 6, 6, 7, 7, 8, 8]
    assert known.best(store=PromptBook(store), domain=landscape.NAME, operator="mutate") == (record, again[1])


def test_running_it_again_asks_nothing_and_a_larger_budget_goes_on(store: SqlStore, server: FakeChat) -> None:
    first = job(store, server.url).run()
    asked = len(server.requests)
    assert job(store, server.url).run().sampled == first.sampled
    assert len(server.requests) == asked
    further = job(store, server.url, completions=40).run()
    assert further.sampled[: len(first.sampled)] == first.sampled
    assert further.completions == len(server.requests) <= 40


def test_what_is_interrupted_goes_on_with_the_same_result(tmp_path: Path) -> None:
    left = [9]

    def refusing(request: Mapping[str, Any]) -> Reply | str:
        left[0] -= 1
        return failure(401) if left[0] < 0 else model(request)

    with serve(refusing) as server:
        with open_store(tmp_path / "parts.db") as parts:
            with pytest.raises(ModelError):
                job(parts, server.url).run()
            (kept,) = PromptBook(parts).searches()
            assert kept.completions == 9
            left[0] = FIRST - 9
            found = job(parts, server.url).run()
        left[0] = FIRST
        with open_store(tmp_path / "whole.db") as whole:
            assert job(whole, server.url).run().sampled == found.sampled


def test_what_runs_find_between_two_stretches_changes_nothing(tmp_path: Path) -> None:
    left = [9]

    def refusing(request: Mapping[str, Any]) -> Reply | str:
        left[0] -= 1
        return failure(401) if left[0] < 0 else model(request)

    with serve(refusing) as server, open_store(tmp_path / "parts.db") as parts:
        with pytest.raises(ModelError):
            job(parts, server.url).run()
        try_out(parts, "0.602")  # which the variant that comes next will propose
        left[0] = FIRST
        found = job(parts, server.url).run()
        with open_store(tmp_path / "whole.db") as whole:
            left[0] = FIRST
            assert job(whole, server.url).run().sampled == found.sampled
        left[0] = FIRST
        assert job(parts, server.url, seed=1).run().sampled[2].figures.novelty < found.sampled[2].figures.novelty


def test_what_calls_without_an_answer_may_have_cost_counts_over_all_stretches(store: SqlStore) -> None:
    broken = [True]

    def script(request: Mapping[str, Any]) -> Reply | str:
        return garbage() if broken[0] else model(request)

    with serve(script) as server:
        for lost in (1, 2):
            with pytest.raises(ModelError):
                job(store, server.url, samples=2).run()
            (record,) = PromptBook(store).searches()
            assert (record.completions, record.tokens) == (0, 0)
            assert record.unanswered_tokens >= lost * 2 * 16_000
        (line,) = usage(store)
        assert line.unanswered_tokens == record.unanswered_tokens
        broken[0] = False
        late = job(store, server.url, samples=2, budget=Budget(tokens=record.unanswered_tokens + 1000))
        assert late.run().completions == 0
        assert f"{record.unanswered_tokens:,} of" in late.stopped
        enough = job(store, server.url, samples=2, budget=Budget(tokens=10 * record.unanswered_tokens))
        assert enough.run().unanswered_tokens == record.unanswered_tokens


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "offline"}, "without reading prompts"),
        ({"model": "openai:a,offline"}, "without reading prompts"),
        ({"model": "openai:a,openai:b"}, "name one --model"),
        ({"operator": "repair"}, "no operator called 'repair'"),
        ({"operator": "autosat"}, "several questions for one answer|no operator called 'autosat'"),
        ({"slots": ("delta",)}, "no slot called 'delta'"),
        ({"slots": ("alpha", "beta", "gamma")}, "take --samples 6 at least"),
    ],
)
def test_what_cannot_be_searched_is_refused(store: SqlStore, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        job(store, "http://127.0.0.1:1/v1", **changes).run()
    assert PromptBook(store).searches() == ()


def try_out(store: SqlStore, source: str) -> None:
    """Keep a run that tried a policy."""
    config = RunConfig(domain=landscape.NAME, instances=("hills",))
    run = store.create_run(config, landscape.Landscape().suite(("hills",), seed=0, options={}), {})
    tried = Candidate(domain=landscape.NAME, slots={"alpha": source})
    store.record(
        Trial(
            run=run, number=1, operator="mutate", slots=("alpha",), parents=(), state=TrialState.FAILED, candidate=tried
        )
    )


def test_what_earlier_runs_tried_is_not_new(store: SqlStore, server: FakeChat) -> None:
    try_out(store, "0.33")
    assert job(store, server.url).run().sampled[0].figures.novelty == 0


def config(server: FakeChat, **options: Any) -> RunConfig:
    return RunConfig(
        domain=landscape.NAME,
        instances=("hills",),
        slots=("alpha",),
        strategy="one_plus_one",
        model="openai:any",
        base_url=server.url,
        budget=Budget(evals=3),
        executor="inline",
        options={"per_family": 12, "start": "default", **options},
    )


def asked_in(store: SqlStore, settings: RunConfig) -> tuple[str, list[str]]:
    discovery = Discovery(config=settings, store=store)
    run = discovery.run().run
    calls = store.all_calls(run)
    return run, [calls[number][0].prompt.messages[-1][1] for number in sorted(calls)]


def test_a_run_starts_from_the_best_prompts_known_and_says_which(store: SqlStore, server: FakeChat) -> None:
    run, before = asked_in(store, config(server, prompts="best"))
    assert not any("DIVERSE" in text for text in before)
    assert "prompts" not in store.run(run).config.options
    record = job(store, server.url).run()
    run, after = asked_in(store, config(server, prompts="best"))
    assert all("DIVERSE `alpha`" in text for text in after)
    assert store.run(run).config.options["prompts"] == {"mutate": record.sampled[2].variant.id}
    for shipped_again in ({"prompts": "shipped"}, {}):
        assert [text.partition("Proposal")[2] for text in asked_in(store, config(server, **shipped_again))[1]] == [
            text.partition("Proposal")[2] for text in before
        ]


def test_a_run_takes_variants_by_id_or_from_a_file(store: SqlStore, server: FakeChat, tmp_path: Path) -> None:
    made = variant("mutate", {"task": "DIVERSE {names}, please."})
    file = tmp_path / "prompts.json"
    file.write_text(made.model_dump_json())
    for chosen in (str(file), made.id[:8]):
        assert "DIVERSE `alpha`, please." in asked_in(store, config(server, prompts=chosen))[1][0]
    PromptBook(store).record_variant(shipped("fresh"))
    with pytest.raises(UsageError, match="one for 'fresh', and strategy 'one_plus_one' asks for mutate"):
        asked_in(store, config(server, prompts=shipped("fresh").id))
    file.write_text("[1]")
    with pytest.raises(UsageError, match="no variants of prompts"):
        asked_in(store, config(server, prompts=str(file)))


def test_another_model_has_other_best_prompts(store: SqlStore, server: FakeChat) -> None:
    own = job(store, server.url).run()
    job(store, server.url, model="openai:other", samples=2, completions=2).run()
    book = PromptBook(store)
    newest = known.best(book, landscape.NAME, "mutate")
    mine = known.best(book, landscape.NAME, "mutate", "openai:any")
    assert newest is not None
    assert mine is not None
    assert newest[0].search.model == "openai:other"
    assert mine[0].search.id == own.search.id
    assert known.best(book, landscape.NAME, "fresh") is None


def test_the_questions_can_be_those_of_a_run(store: SqlStore, server: FakeChat) -> None:
    report = Discovery(config=RunConfig(**{**config(server).model_dump(), "model": "offline"}), store=store).run()
    record = job(store, server.url, run=report.run[:6], samples=2, completions=2).run()
    assert record.search.run == report.run
    for call in PromptBook(store).calls(record.search.id).values():
        system, user = (text for _, text in call.prompt.messages)
        assert "`hills`" in system
        assert "Measured on" in user
        assert report.best.slots["alpha"] in user
    better = Candidate(domain=landscape.NAME, slots={"alpha": "0.9"})
    scored = {"ratio": 0.001, "operator": "mutate", "slots": ("alpha",), "parents": ()}
    store.record(Trial(run=report.run, number=99, state=TrialState.SCORED, candidate=better, **scored))
    anew = job(store, server.url, run=report.run, samples=2, completions=2).run()
    assert (record.search.id != anew.search.id, anew.completions) == (True, 2)
    with pytest.raises(UsageError, match="and prompts of 'sat' are wanted"):
        job(store, server.url, run=report.run, domain="sat", slots=("decay",)).run()
    with pytest.raises(UnknownId):
        job(store, server.url, run="ffffffffff").run()


def test_a_run_that_goes_on_keeps_the_prompts_that_it_began_with(store: SqlStore, server: FakeChat) -> None:
    job(store, server.url).run()
    run, _ = asked_in(store, config(server, prompts="best"))
    kept = store.run(run).config
    other = variant("mutate", {"task": "Another task."})
    PromptBook(store).record_variant(other)
    assert known.settle(kept, ("mutate",), PromptBook(store)) == kept
    assert known.used(kept, PromptBook(store))["mutate"].sections["task"] == "DIVERSE {names}"
    assert known.used(config(server), PromptBook(store)) == {}
