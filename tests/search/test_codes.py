"""Copies are found by object code before a measurement is paid, and what is close to what lost is refused on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from slotforge.core import registry
from slotforge.core.errors import BuildError, KillsWorkers
from slotforge.core.types import Budget, Candidate, Request, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.prompts.tokens import ALIKE_CODE, Idea, alike_code
from slotforge.search import worker
from slotforge.search.archive import Archive
from slotforge.search.codes import Codes
from slotforge.search.discover import Discovery
from slotforge.search.executors.inline import Inline
from slotforge.search.novelty import Novelty
from slotforge.search.numbering import LIBRARY
from slotforge.search.observer import Silent
from slotforge.solvers.sat.domain import Sat
from slotforge.testing import landscape

GLUE = """\
// Fast against slow average of glue.
struct RestartDue {
    SLOT_PARAM(margin, 1.10, 1.00, 1.30);
    bool operator()(const View &view) { return view.glue.fast > margin * view.glue.slow; }
};
"""


class Compiled(landscape.Landscape):
    """A landscape that compiles: numbers to a few digits are its object code."""

    compiled: list[str] = []  # noqa: RUF012
    digits = 2

    def code(self, candidate: Candidate) -> str:
        self.build(candidate)
        self.compiled.append(candidate.id)
        return " ".join(f"{slot}={float(text):.{self.digits}f}" for slot, text in sorted(candidate.slots.items()))


def candidate(**slots: str) -> Candidate:
    return Candidate(domain=landscape.NAME, slots=slots)


def trial(number: int, made: Candidate, **changes: object) -> Trial:
    fields: dict[str, object] = {
        "run": "r",
        "number": number,
        "operator": "mutate",
        "slots": tuple(made.slots),
        "parents": (),
        "state": TrialState.SCORED,
        "candidate": made,
        "instances": 4,
    }
    return Trial(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> Compiled:
    made = Compiled()
    monkeypatch.setattr(made, "compiled", [])
    monkeypatch.setattr(worker, "domain", lambda _: made)
    return made


class Losing(Inline):
    """An executor that loses its workers over several candidates at once."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        if len(arguments[0]) > 1:
            raise KillsWorkers("3 workers were lost")
        return super().submit(function, *arguments)


@pytest.fixture
def twin(domain: Compiled, request: pytest.FixtureRequest) -> Callable[..., str | None]:
    """Look for what a candidate is a copy of."""
    begun = [
        trial(-1, candidate(beta="0.503"), state=TrialState.RACED_OUT),
        trial(LIBRARY, candidate(beta="0.606")),
        trial(-2, candidate(beta="0.707", alpha="0.9")),
    ]
    codes = Codes(domain=domain, executor=getattr(request, "param", Inline)(), begun=begun)
    trials = [
        trial(0, candidate()),
        trial(1, candidate(alpha="0.101")),
        trial(2, candidate(alpha="0.202"), state=TrialState.REJECTED, instances=0),
        trial(3, candidate(alpha="0.303"), state=TrialState.RACED_OUT),
        trial(4, candidate(alpha="0.101", beta="0.4")),
    ]

    def look(made: Candidate, *, last: int = 4, parent: Candidate | None = None) -> str | None:
        request = Request(operator="mutate", parents=(parent or candidate(),), slots=tuple(made.slots))
        copy = asyncio.run(codes.twin(made, request, trials, last))
        return copy.of if copy else None

    return look


def test_a_copy_of_an_earlier_trial_or_of_the_parent_is_named(twin: Callable[..., str | None]) -> None:
    assert twin(candidate(alpha="0.104")) == "trial 1"
    assert twin(candidate(alpha="0.3")) == "trial 3"
    assert twin(candidate(alpha="0.1", beta="0.4")) == "trial 4"
    assert twin(candidate(alpha="0.7")) is None
    assert twin(candidate(alpha="0.701"), parent=candidate(alpha="0.7")) == "its parent"


def test_a_copy_of_what_was_raced_before_the_search_is_named(twin: Callable[..., str | None], domain: Compiled) -> None:
    assert twin(candidate(beta="0.5")) == "a built-in policy that was raced before the search"
    assert twin(candidate(beta="0.61")) == "a candidate of an earlier run that was raced before the search"
    assert twin(candidate(beta="0.71")) is None
    assert candidate(beta="0.707", alpha="0.9").id not in domain.compiled


def test_what_was_never_measured_is_no_copy_that_counts(twin: Callable[..., str | None]) -> None:
    assert twin(candidate(alpha="0.2")) is None


def test_only_trials_that_may_be_known_of_count(twin: Callable[..., str | None]) -> None:
    assert twin(candidate(alpha="0.3"), last=2) is None
    assert twin(candidate(alpha="0.3"), last=3) == "trial 3"
    assert twin(candidate(alpha="0.301"), last=2) is None


def test_what_is_known_is_compiled_once_and_what_does_not_compile_says_so(
    twin: Callable[..., str | None], domain: Compiled
) -> None:
    for _ in range(3):
        twin(candidate(alpha="0.7"))
    once = [candidate(alpha="0.101"), candidate(alpha="0.303"), candidate(alpha="0.101", beta="0.4"), candidate()]
    assert domain.compiled == [*(one.id for one in once), *[candidate(alpha="0.7").id] * 3]
    with pytest.raises(BuildError, match="does not compile"):
        twin(candidate(alpha="broken"))


@pytest.mark.parametrize("twin", [Losing], indirect=True)
def test_workers_that_are_lost_over_what_is_known_are_no_fault_of_the_candidate(
    twin: Callable[..., str | None],
) -> None:
    assert twin(candidate(alpha="0.7")) is None
    assert twin(candidate(beta="0.5")) is None


def config(evals: int, window: int = 1) -> RunConfig:
    return RunConfig(
        domain=landscape.NAME,
        instances=("hills",),
        slots=("alpha",),
        strategy="random",
        budget=Budget(evals=evals),
        window=window,
        executor="inline",
        options={"per_family": 12, "start": "default", "tuned_baseline": False, "novelty": 1.0},
    )


class Stopping(Silent):
    """Stops a run after some trials."""

    def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
        if trial.number == 11:
            raise KeyboardInterrupt


def test_a_run_that_goes_on_finds_the_same_copies(domain: Compiled, tmp_path: Path) -> None:
    domain.digits = 1

    def ends(trials: Mapping[int, Trial]) -> list[tuple[int, str, str]]:
        return [(number, trial.state, trial.reason) for number, trial in trials.items()]

    with open_store(tmp_path / "whole.db") as store:
        whole = ends(store.trials(Discovery(config=config(24, 3), store=store).run().run))
    with open_store(tmp_path / "parts.db") as store:
        first = Discovery(config=config(24, 3), store=store, observer=Stopping())
        with pytest.raises(KeyboardInterrupt):
            first.run()
        assert len(store.trials(first.run_id)) < len(whole)
        second = Discovery(config=config(24, 3), store=store, run_id=first.run_id)
        assert ends(store.trials(second.run().run)) == whole
    copies = [int(why.rpartition(" ")[2]) for _, _, why in whole if "compiles to the same code as trial" in why]
    assert min(copies) < 9  # of a trial from before the interruption


def test_a_run_pays_for_no_copy_and_says_of_what_it_is_one(domain: Compiled, tmp_path: Path) -> None:
    sources = iter(("0.901", "0.902", "0.2", "0.498"))
    domain.vary = lambda request, rng: dict.fromkeys(request.slots, next(sources))  # type: ignore[method-assign] # noqa: ARG005
    domain.build = lambda made: {slot: f"warning: {text.strip()}" for slot, text in made.slots.items()}  # type: ignore[method-assign]
    with open_store(tmp_path / "store.db") as store:
        trials = store.trials(Discovery(config=config(4), store=store).run().run)
    assert (trials[2].state, trials[2].reason) == (TrialState.REJECTED, "compiles to the same code as trial 1")
    assert trials[2].log == {"alpha": "warning: 0.902"}, "a copy was compiled as well"
    assert [trials[number].instances > 0 for number in (1, 2, 3)] == [True, False, True]


def test_policies_that_compile_to_the_same_are_one_to_the_sat_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path))
    sat = Sat()
    turned = GLUE.replace("view.glue.fast > margin * view.glue.slow", "margin * view.glue.slow < view.glue.fast")
    variants = (GLUE, turned, GLUE.replace("1.10", "1.20"), GLUE.replace("fast >", "fast >="))
    own, same, tuned, other = (sat.code(Candidate(domain="sat", slots={"restart_due": text})) for text in variants)
    assert sat.key(Candidate(domain="sat", slots={"restart_due": GLUE})) != sat.key(
        Candidate(domain="sat", slots={"restart_due": turned})
    )
    assert own == same
    assert len({own, tuned, other}) == 3
    default = sat.slots()["restart_due"].default
    assert sat.code(Candidate(domain="sat", slots={"restart_due": default})) == sat.code(Candidate(domain="sat")) == ""


@pytest.fixture
def told() -> Novelty:
    """Know of a trial that was raced out, one that never ran, and one that scored."""
    novelty = Novelty(threshold=0.8, language="cpp")
    lost = {"state": TrialState.RACED_OUT, "slots": ("restart_due",)}
    novelty.tell(trial(1, candidate(restart_due=GLUE), **lost))
    novelty.tell(trial(2, candidate(restart_due=GLUE.replace("glue", "trail")), state=TrialState.FAILED, instances=0))
    novelty.tell(trial(3, candidate(restart_due=GLUE.replace("View &view", "View &v"))))
    return novelty


def test_a_proposal_close_to_what_lost_is_refused_with_the_reason(told: Novelty) -> None:
    near = candidate(restart_due=GLUE.replace("1.10", "1.25").replace("RestartDue", "Mine"))
    why = told.refusal(near, ("restart_due",), last=3)
    assert why is not None
    assert why.endswith("of its code is that of trial 1, which came to nothing (raced out)")
    assert told.refusal(candidate(restart_due="struct Other { int x = 1; };"), ("restart_due",), last=3) is None
    assert told.refusal(candidate(restart_due=GLUE.replace("glue", "trail")), ("restart_due",), last=3) is None
    assert told.refusal(near, ("decay",), last=3) is None


def test_what_lost_only_now_is_not_known_yet(told: Novelty) -> None:
    same = candidate(restart_due=GLUE)
    assert told.refusal(same, ("restart_due",), last=0) is None
    assert told.refusal(same, ("restart_due",), last=1) is not None


def test_nothing_is_refused_unless_asked_for() -> None:
    novelty = Novelty(threshold=None, language="cpp")
    novelty.tell(trial(1, candidate(restart_due=GLUE), state=TrialState.RACED_OUT))
    assert novelty.refusal(candidate(restart_due=GLUE), ("restart_due",), last=1) is None


@pytest.mark.parametrize("domain", ["sat", "optim"])
def test_no_two_built_in_policies_of_a_slot_are_nearly_the_same(domain: str) -> None:
    made = registry.load(f"slotforge.solvers.{domain}", "domain").domain()
    alike = [
        (slot.name, one, other)
        for slot in made.slots().values()
        for one, other in combinations(slot.variants, 2)
        if alike_code(*(Idea(text="", code=slot.variants[n], language=made.terms.language) for n in (one, other)))
        >= ALIKE_CODE
    ]
    assert alike == []


def test_a_run_asks_for_novelty_and_stores_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(self: Novelty, _: Candidate, slots: tuple[str, ...], last: int) -> str:
        return f"{self.threshold} {self.language} {slots} {last}"

    told: list[int] = []
    monkeypatch.setattr(Novelty, "tell", lambda _, trial: told.append(trial.number))
    monkeypatch.setattr(Novelty, "refusal", refusal)
    with open_store(tmp_path / "store.db") as store:
        trials = store.trials(Discovery(config=config(3), store=store).run().run)
    assert {trial.state for number, trial in trials.items() if number > 0} == {TrialState.REJECTED}
    assert [trial.reason for number, trial in trials.items() if number > 0] == [
        f"1.0 cpp ('alpha',) {last}" for last in range(3)
    ]
    assert told == [1, 2, 3]
