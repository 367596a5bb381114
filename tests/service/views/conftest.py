"""Stores on either database, and short words for what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from slotforge.core.types import (
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
    TrialState,
)
from slotforge.lineage.store import SqlStore

DOMAIN = "sat"
BASELINE = Candidate(domain=DOMAIN)


def made(text: str, slot: str = "decay") -> Candidate:
    """Make a candidate out of the source of one slot."""
    return Candidate(domain=DOMAIN, slots={slot: text})


def run_of(candidate: Candidate, instance: str, cost: float, *, family: str = "small", **more: Any) -> Measurement:
    """Make a measurement."""
    usual = {"seed": 0, "outcome": Outcome.SOLVED, "cpu_s": 1.0, "answer": "SAT", "evidence": "model"}
    return Measurement(candidate=candidate.id, instance=instance, family=family, cost=cost, **usual | more)


@dataclass
class Scene:
    """A store, and a way to fill it."""

    store: SqlStore
    instances: Sequence[str] = ("a", "b", "c", "d")
    families: dict[str, str] = field(default_factory=dict)

    def run(self, **config: Any) -> str:
        """Open a run whose baseline is not measured yet."""
        items = tuple(
            Instance(id=id_, name=f"{id_}.cnf", family=self.families.get(id_, "small"), path="")
            for id_ in self.instances
        )
        suite = Suite(search=items, select=(), holdout=())
        usual = {"domain": DOMAIN, "instances": ("small",), "strategy": "random", "model": "offline"}
        return self.store.create_run(RunConfig(**usual | config), suite, {"compiler": "g++"})

    def trial(self, run: str, number: int, candidate: Candidate | None, **fields: Any) -> Trial:
        """Record a trial; one with a ratio is scored."""
        state = TrialState.FAILED if fields.get("ratio") is None else TrialState.SCORED
        usual = {"operator": "mutate", "slots": ("decay",), "parents": (), "state": state}
        trial = Trial(run=run, number=number, candidate=candidate, **usual | fields)
        self.store.record(trial)
        return trial

    def baseline(self, run: str, *costs: float) -> Trial:
        """Record trial 0."""
        pairs = zip(self.instances, costs, strict=False)
        measured = tuple(run_of(BASELINE, i, cost, family=self.families.get(i, "small")) for i, cost in pairs)
        return self.trial(run, 0, BASELINE, operator="baseline", slots=(), ratio=1.0, measurements=measured)


def answered(text: str, *, model: str = "gpt", tokens: int = 10, usd: float = 0.5) -> Call:
    """Make an exchange."""
    prompt = Prompt(operator="mutate", messages=(("user", f"write {len(text)}"),))
    completion = Completion(text=text, model=model, input_tokens=tokens, output_tokens=tokens, usd=usd)
    return Call(stage="propose", prompt=prompt, completion=completion)


@pytest.fixture
def scene(store: SqlStore) -> Scene:
    """Begin with an empty store."""
    return Scene(store)
