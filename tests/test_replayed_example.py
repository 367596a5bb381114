"""The search that ships as a recording is still one of today: its prompts are written alike, and its answers are read.

To run it to its verdict takes six CPU minutes, and is a slow test. Otherwise the formulas are generated, and the
solver as it ships and the policies that the search begins from are measured on them; then each recorded question is put
anew. Those that were put before the first trial was told are the same to the letter. The others tell of trials that are
not measured here, so what does not depend on these is held against the recording.
"""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from slotforge.core.types import Budget, Candidate, Request, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search.builtins import OPERATOR, Builtins, in_turns
from slotforge.search.discover import Discovery
from slotforge.search.loop import Search
from slotforge.search.proposers.dialogue import Dialogue
from slotforge.search.tuned import TOLD

EXAMPLE = Path(__file__).parents[1] / "examples" / "07_replay_a_search"
LINES = (EXAMPLE / "answers.jsonl").read_text().splitlines()
ROWS = {(row["number"], row["stage"]): row for row in map(json.loads, LINES)}
BEGIN = {
    "score_clauses": "Size",
    "pick_phase": "Saved",
    "switch_mode": "AlwaysStable",
    "bump_variables": "Glucose",
}
WINDOW = REPAIRED = 8  # proposals that are asked for before a trial is told; the last answer went back
COPY = "behaves exactly as a built-in policy that was raced before the search on 8 instances"
CONFIG = RunConfig(
    domain="sat",
    instances=("sgen:20",),
    slots=("switch_mode", "bump_variables", "pick_phase", "score_clauses"),
    strategy="one_plus_one",
    model=f"replay:{EXAMPLE / 'answers.jsonl'}",
    window=WINDOW,
    seed=4,
    budget=Budget(evals=68),
    executor="inline",
    options={"per_family": 150, "tune_share": 0.08, "tuned_baseline": False},
)


class Enough(Exception):
    """All that was to be seen was seen."""


async def begin(self: Builtins, baseline: Trial) -> list[Trial]:
    """Measure what the search begins from alone; that the other policies are known is all that prompts say of them."""
    known = self.domain.slots()
    raced = [
        Trial(
            run=baseline.run,
            number=-place,
            operator=OPERATOR + name,
            slots=(slot,),
            parents=(),
            candidate=Candidate(domain="sat", slots={slot: source}),
            state=TrialState.RACED_OUT,
        )
        for place, (slot, name, source) in enumerate(in_turns(self.domain, self.slots), start=1)
    ]
    best = [(slot, name, known[slot].variants[name]) for slot, name in BEGIN.items()]
    return [*raced, await self._one(-len(raced) - 3, best, baseline, baseline)]


def test_the_recorded_search_asks_and_reads_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read: dict[int, Mapping[str, str]] = {}

    async def search(self: Search) -> None:
        with caplog.at_level(logging.WARNING, "slotforge.model"):
            for number in range(1, WINDOW + 1):
                asked = self._ask(number)
                request, dialogue = asked.request, asked.dialogue
                read[number] = await dialogue.first()
                assert messages(dialogue) == recorded(number), number
                assert request.slots == slots_of(number)
            read[REPAIRED] = await dialogue.repairing(None, COPY)()
            assert messages(dialogue) == recorded(REPAIRED, "repair")
        assert not caplog.records  # every answer was found by its whole prompt
        start = self.archive.incumbent.candidate
        assert start is not None
        for number in sorted({number for number, _ in ROWS} - read.keys()):
            request = Request(operator="mutate", parents=(start,), slots=slots_of(number), told={"numbers": TOLD})
            dialogue = self.open_dialogue(number, request, self.archive, lambda _: None)
            read[number] = await dialogue.first()
            assert [fixed(text) for text in messages(dialogue)] == [fixed(text) for text in recorded(number)], number
        assert [sources for sources in read.values() if self.domain.check(start.with_slots(sources))] == []
        raise Enough

    monkeypatch.setattr(Builtins, "run", begin)
    monkeypatch.setattr(Search, "run", search)
    with open_store(tmp_path / "s.db") as store, pytest.raises(Enough):
        Discovery(config=CONFIG, store=store).run()
    assert len(read) == 63


@pytest.mark.slow
def test_the_command_of_its_page_ends_with_the_candidate_that_the_page_names(tmp_path: Path) -> None:
    page = (EXAMPLE / "README.md").read_text()
    command = shlex.split(page.partition("```sh\n")[2].partition("```")[0].replace("\\\n", " "))
    made = subprocess.run(
        [Path(sys.executable).with_name("slotforge"), *command[1:], "--store", tmp_path / "s.db", "--json"],
        cwd=EXAMPLE.parents[1],
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(made.stdout)
    assert report["best"]["candidate"] in page
    assert (report["trials"], report["models"]) == (68, {"openai:mailbox": 63})
    assert report["controls"]["tuned_baseline"]["candidate"] in page
    assert (report["holdout"]["verdict"], report["holdout"]["instances"]) == ("better", 60)


def messages(dialogue: Dialogue) -> list[str]:
    return [text for _, text in dialogue.calls[-1].prompt.messages]


def recorded(number: int, stage: str = "propose") -> list[str]:
    return [message["content"] for message in ROWS[number, stage]["messages"]]


def fixed(text: str) -> str:
    """Leave of a message what does not depend on what was measured: all of the system's, and the task."""
    return text.partition("## Task")[2] or text


def slots_of(number: int) -> tuple[str, ...]:
    """Read the requested slots out of a recorded task, in their order."""
    task = recorded(number)[-1].partition("## Task")[2]
    return tuple(slot for slot in CONFIG.slots if f"`{slot}`" in task)
