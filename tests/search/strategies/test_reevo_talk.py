"""What ReEvo's reviewer says reaches the coder, the next generation, and a run that is resumed."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from numpy.random import Generator

from slotforge.core.ids import generator
from slotforge.core.types import Budget, Call, Completion, Prompt, Request, RunConfig
from slotforge.lineage.store import open_store
from slotforge.prompts.render import answer
from slotforge.search.discover import Discovery
from slotforge.testing import hills, strategy_suite

SPEC = "reevo:population=3:initial=4:mutation_rate=0.7"
MADE = strategy_suite.config(SPEC, budget=Budget(evals=19), window=2)


class Talkative:
    """Says at each stage something that only this question can have brought about."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        number = prompt.messages[-1][1].rpartition(" ")[2].rstrip(".")
        texts = {"reevo_reflect": f"hint of trial {number}", "reevo_lessons": f"lessons of trial {number}"}
        code = {slot: f"{generator(prompt.id, slot).random():.6f}" for slot in request.slots}
        text = texts.get(prompt.operator) or answer(code, idea=f"idea of trial {number}")
        return Completion(text=text, model="talkative")


def run(path: Path, made: RunConfig = MADE, *, after: int = 0) -> dict[int, list[Call]]:
    """Search, interrupted once after so many trials if any; return the exchanges by number of trial."""
    with open_store(path) as store, strategy_suite.answered_by(lambda _: Talkative()):
        begun = ""
        if after:
            job = Discovery(config=made, store=store, observer=strategy_suite.Impatient(after))
            with pytest.raises(KeyboardInterrupt):
                job.run()
            begun = job.run_id
        report = Discovery(config=made, store=store, run_id=begun).run()
        assert report.state == "finished"
        return {number: list(calls) for number, calls in store.all_calls(report.run).items() if number > 0}


def asked(call: Call) -> str:
    return call.prompt.messages[-1][1]


def test_hints_go_to_the_coder_and_lessons_to_the_generations_after(tmp_path: Path) -> None:
    calls = run(tmp_path / "s.db")
    stages = {number: [call.stage for call in exchanged] for number, exchanged in calls.items()}
    crossed = [number for number, seen in stages.items() if seen[0] == "reevo_reflect"]
    taught = [number for number, seen in stages.items() if seen[0] == "reevo_lessons"]
    assert crossed == [5, 6, 7, 10, 11, 12, 15, 16, 17]
    assert taught == [8, 13, 18]
    for number in crossed:
        assert f"hint of trial {number}" in asked(calls[number][1])
    hints = [re.findall(r"hint of trial (\d+)", asked(calls[number][0])) for number in taught]
    assert hints == [["5", "6"], ["7", "10", "11"], ["12", "15", "16"]]  # of the last one under way nothing is known
    for number in taught:
        assert f"lessons of trial {number}" in asked(calls[number][1])
    for before, after in pairwise(taught):
        assert f"lessons of trial {before}" in asked(calls[after][0])
        assert f"lessons of trial {before}" in asked(calls[after + 1][0])


def test_a_reviewer_reads_the_worse_parent_first_and_says_no_code(tmp_path: Path) -> None:
    for exchanged in run(tmp_path / "s.db").values():
        if exchanged[0].stage == "reevo_reflect":
            ratios = [float(found) for found in re.findall(r"cost (\d\.\d+) times", asked(exchanged[0]))]
            ratios += [1.0] * (2 - len(ratios))  # a parent that is the reference is not measured against itself
            first = asked(exchanged[0]).partition("## Parent 2")[0]
            assert "This is the unchanged solver" in first or ratios[0] >= ratios[1]
            assert "Do not write code now" in asked(exchanged[0])


@pytest.mark.parametrize("after", [6, 9])
def test_an_interruption_changes_no_question(after: int, tmp_path: Path) -> None:
    assert run(tmp_path / "parts.db", after=after) == run(tmp_path / "whole.db")


def test_the_talk_can_be_replayed_from_its_record(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        with strategy_suite.answered_by(lambda _: Talkative()):
            first = Discovery(config=MADE, store=store).run().run
        again = Discovery(config=MADE.model_copy(update={"model": f"replay:{first}"}), store=store).run().run
        assert hills.archive(store.trials(again)) == hills.archive(store.trials(first))
        assert {n: [c.prompt for c in calls] for n, calls in store.all_calls(again).items()} == {
            n: [c.prompt for c in calls] for n, calls in store.all_calls(first).items()
        }
