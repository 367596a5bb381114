"""What the agents of MCTS-AHD and AutoSAT say reaches those who are to hear it, and a run that is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy.random import Generator

from slotforge.core.ids import generator
from slotforge.core.types import Budget, Call, Completion, Prompt, Request
from slotforge.lineage.store import open_store
from slotforge.prompts.render import answer
from slotforge.search.discover import Discovery
from slotforge.testing import strategy_suite

TEXTS = {
    "align": "It is what trial {} does.",
    "advise": "1. Try what trial {} says.\n2. Or not.",
    "review": "VERDICT: substantial\nTrial {} is other code.",
}


class Talkative:
    """Says at each stage something that only this question can have brought about."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        number = prompt.messages[-1][1].rpartition(" ")[2].rstrip(".")
        code = {slot: f"{generator(prompt.id, slot).random():.6f}" for slot in request.slots}
        said = TEXTS.get(prompt.operator)
        return Completion(text=said.format(number) if said else answer(code, idea="An idea."), model="talkative")


def run(path: Path, spec: str, *, after: int = 0) -> dict[int, list[Call]]:
    """Search, interrupted once after so many trials if any; return the exchanges by number of trial."""
    made = strategy_suite.config(spec, budget=Budget(evals=14), window=2)
    with open_store(path) as store, strategy_suite.answered_by(lambda _: Talkative()):
        begun = ""
        if after:
            job = Discovery(config=made, store=store, observer=strategy_suite.Impatient(after))
            with pytest.raises(KeyboardInterrupt):
                job.run()
            begun = job.run_id
        report = Discovery(config=made, store=store, run_id=begun).run()
        return {number: list(calls) for number, calls in store.all_calls(report.run).items() if number > 0}


def asked(call: Call) -> str:
    return call.prompt.messages[-1][1]


def test_descriptions_of_code_reach_the_prompts_that_show_it(tmp_path: Path) -> None:
    calls = run(tmp_path / "s.db", "mcts_ahd:initial=2")
    assert all([call.stage for call in exchanged] == ["propose", "align"] for exchanged in calls.values())
    later = [asked(exchanged[0]) for number, exchanged in calls.items() if number > 3]
    assert any("It is what trial 1 does." in text for text in later)
    assert not any("An idea." in text for text in later)


def test_directions_reach_the_coder_and_the_code_its_reviewer(tmp_path: Path) -> None:
    for number, exchanged in run(tmp_path / "s.db", "autosat").items():
        assert [call.stage for call in exchanged] == ["advise", "propose", "review"]
        assert f"Try what trial {number} says." in asked(exchanged[1])
        written = exchanged[1].completion.text.split("\n")[4]
        assert written in asked(exchanged[2])


@pytest.mark.parametrize("spec", ["mcts_ahd:initial=2", "autosat"])
def test_a_run_that_is_resumed_asks_the_same(spec: str, tmp_path: Path) -> None:
    whole, parts = run(tmp_path / "1.db", spec), run(tmp_path / "2.db", spec, after=6)

    def plain(calls: dict[int, list[Call]]) -> dict[int, list[tuple[str, str]]]:
        return {n: [(call.prompt.id, call.completion.text) for call in made] for n, made in calls.items()}

    assert plain(parts) == plain(whole)
