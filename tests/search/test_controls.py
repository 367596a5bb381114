"""Beside every winner stands a tuned baseline, and every winner of several slots is taken apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.types import (
    Budget,
    Candidate,
    Instance,
    Measurement,
    Outcome,
    Request,
    RunConfig,
    Trial,
    TrialState,
)
from slotforge.lineage.queries import usage
from slotforge.lineage.store import open_store
from slotforge.search import numbering, stages, tuned_baseline
from slotforge.search.confirm import Refuted
from slotforge.search.discover import Discovery
from slotforge.search.report import NOT_OPENED, Report
from slotforge.search.stages import Bench
from slotforge.search.strategies import one_plus_lambda
from slotforge.testing.hills import config, discover
from slotforge.testing.landscape import Landscape, _number

QUICK = {"per_family": 10}


def made(**changes: Any) -> RunConfig:
    return config(**{"budget": Budget(evals=16), "options": QUICK, **changes})


def test_a_tuned_baseline_of_as_many_evaluations_as_proposals_is_among_the_controls(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=made(), store=store).run()
        trials = [t for n, t in store.trials(report.run).items() if n <= numbering.TUNED_BASELINE]
        held = {verdict.candidate.id for verdict in store.verdicts(report.run)}
        assert report.cost.cpu_s == pytest.approx(usage(store, report.run).cpu_s, abs=0.001)
    assert len(trials) == report.trials == 16
    assert {trial.operator for trial in trials} == {tuned_baseline.OPERATOR}
    control = report.controls["tuned_baseline"]
    scored = sorted((t for t in trials if t.scored), key=lambda t: (t.ratio, -t.number))
    assert control.candidate in {t.candidate.id for t in scored[: stages.FINALISTS] if t.candidate}
    assert control.candidate in held
    assert control.ratio < 1


def test_the_tuned_baseline_is_chosen_on_the_select_split_as_the_winner_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, offered = stages.choose, list[Sequence[Trial]]()

    async def choose(bench: Bench, finalists: Sequence[Trial], *rest: Any, **options: Any) -> Any:
        offered.append(finalists)
        return await right(bench, finalists[-1:] if "baseline" in options else finalists, *rest, **options)

    monkeypatch.setattr(stages, "choose", choose)
    report, _ = discover(tmp_path / "s.db", made(budget=Budget(evals=40)))
    _, settings = offered
    assert 1 < len(settings) <= stages.FINALISTS
    assert all(setting.number <= numbering.TUNED_BASELINE for setting in settings)
    assert [setting.ratio for setting in settings] == sorted(setting.ratio or 9 for setting in settings)
    last = settings[-1].candidate
    assert last is not None
    assert report.controls["tuned_baseline"].candidate == last.id


def test_without_a_winner_nothing_is_measured_on_the_holdout_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def choose(*_: Any, **__: Any) -> Any:
        return None, {}

    monkeypatch.setattr(stages, "choose", choose)
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=made(), store=store).run()
        assert not store.verdicts(report.run)
    assert report.unmeasured == NOT_OPENED
    assert set(report.controls) == {"baseline"}


def test_the_tuned_baseline_can_be_left_out_and_is_left_out_where_measuring_tunes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, _ = discover(tmp_path / "1.db", made(options={**QUICK, "tuned_baseline": False}))
    assert set(report.controls) == {"baseline", "best_builtin", "start"}
    monkeypatch.setattr(Landscape, "numbers", lambda _self, _candidate: {})
    report, _ = discover(tmp_path / "2.db", made())
    assert set(report.controls) == {"baseline", "best_builtin", "start"}


def test_a_baseline_that_no_numbers_make_better_is_its_own_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Landscape, "with_numbers", lambda _self, candidate, _values: candidate)
    report, _ = discover(tmp_path / "s.db", made())
    control = report.controls["tuned_baseline"]
    assert (control.candidate, control.ratio) == (report.baseline.candidate, 1)


def cost_without_noise(self: Landscape, candidate: Candidate, instance: Instance, seed: int) -> float:  # noqa: ARG001
    """Let the gains of slots multiply, but for what all three of them add together."""
    numbers = {slot: float(s) for slot, s in candidate.slots.items() if _number(s)}
    log = sum(abs(numbers.get(slot, 0.5) - best) for slot, best in self.optimum.items())
    scale = 1 + int(instance.id[:2], 16) / 256
    return math.ceil(1e6 * math.exp((log + INTERPLAY["log"] * (len(numbers) == len(self.optimum))) * scale))


INTERPLAY = {"log": 0.0}


def taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interplay: float) -> Report:
    """Search where the only proposal is one of all three slots; that of gamma is the default, written otherwise."""

    def vary(self: Landscape, request: Request, rng: np.random.Generator) -> dict[str, str]:  # noqa: ARG001
        return {"alpha": "0.9", "beta": "0.2", "gamma": "0.50"}

    monkeypatch.setitem(INTERPLAY, "log", interplay)
    monkeypatch.setattr(Landscape, "cost", cost_without_noise)
    monkeypatch.setattr(Landscape, "vary", vary)
    monkeypatch.setattr(one_plus_lambda, "standard_bit_mutation", lambda slots, _rng: tuple(slots))
    once = made(budget=Budget(evals=1), options={**QUICK, "start": "default", "tuned_baseline": False})
    return discover(tmp_path / "s.db", once)[0]


def test_a_useless_slot_is_named_with_the_winner_that_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = taken_apart(tmp_path, monkeypatch, 0.0)
    assert report.ablation is not None
    assert [part.slot for part in report.ablation.useless] == ["gamma"]
    less = Candidate(domain=Landscape.name, slots={s: text for s, text in report.best.slots.items() if s != "gamma"})
    enough = report.ablation.model_copy(update={"instances": 6})
    assert enough.words[0] == f"without gamma nothing is seen to be lost: {less.id} does without it"
    few = report.ablation.model_copy(update={"instances": 5})
    assert few.words[0] == "5 instances are too few to see of each slot what it does"
    parts = {part.slot: part for part in report.ablation.parts}
    assert parts["alpha"].without is not None
    assert parts["alpha"].alone is not None
    assert parts["alpha"].without.low > 1 > parts["alpha"].alone.high
    assert parts["alpha"].without.ratio == pytest.approx(1 / parts["alpha"].alone.ratio, rel=1e-3)


@pytest.mark.parametrize(
    ("interplay", "said"),
    [(-0.4, "adapted to one another"), (0.0, "within noise"), (0.3, "their gains overlap")],
)
def test_slots_that_are_more_or_less_together_than_apart_are_told_from_those_that_multiply(
    interplay: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = taken_apart(tmp_path, monkeypatch, interplay)
    assert report.ablation is not None
    assert report.ablation.together is not None
    assert said in report.ablation.words[-1]


def test_the_pieces_of_a_winner_are_kept_and_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    right = Bench.measure

    async def measure(self: Bench, candidate: Candidate, *arguments: Any, **options: Any) -> list[Measurement]:
        measured.append(candidate.id)
        return await right(self, candidate, *arguments, **options)

    monkeypatch.setattr(Bench, "measure", measure)
    with open_store(tmp_path / "s.db") as store:
        report = Discovery(config=made(options={**QUICK, "tuned_baseline": False}), store=store).run()
        trials = store.trials(report.run)
    assert report.ablation is not None
    pieces = [t for n, t in trials.items() if numbering.TUNED_BASELINE < n <= numbering.ABLATION]
    named = {id_ for part in report.ablation.parts for id_ in (part.without_candidate, part.alone_candidate)}
    assert {piece.candidate.id for piece in pieces if piece.candidate} == named
    assert all(len(piece.selection) == report.ablation.instances for piece in pieces)
    assert len(measured) == len(set(measured)) + 1  # the baseline, on the search and on the select split


def test_a_piece_that_fails_has_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Landscape.measure

    def measure(self: Landscape, candidate: Candidate, *arguments: Any, **options: Any) -> Measurement:
        made = right(self, candidate, *arguments, **options)
        broken = dict(candidate.slots) == {"beta": "0.2\n"}
        return made.model_copy(update={"outcome": Outcome.CRASH, "reason": "it fell"} if broken else {})

    monkeypatch.setattr(Landscape, "measure", measure)
    report = taken_apart(tmp_path, monkeypatch, 0.0)
    assert report.ablation is not None
    parts = {part.slot: part for part in report.ablation.parts}
    assert parts["beta"].alone is None
    assert parts["alpha"].alone is not None
    assert report.ablation.together is None
    with open_store(tmp_path / "s.db") as store:
        states = [t.state for n, t in store.trials(report.run).items() if n <= numbering.ABLATION]
    assert states.count(TrialState.FAILED) == 1


@pytest.mark.parametrize("outcome", ["no difference", "worse"])
def test_a_winner_of_several_slots_is_taken_apart_whatever_unseen_instances_say(
    outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = stages.verdict

    def judged(*arguments: Any, **options: Any) -> Verdict:
        return right(*arguments, **options).model_copy(update={"verdict": outcome})

    monkeypatch.setattr(stages, "verdict", judged)
    report = taken_apart(tmp_path, monkeypatch, 0.0)
    assert report.holdout is not None
    assert report.holdout.verdict == outcome
    assert report.ablation is not None
    assert [part.slot for part in report.ablation.parts] == ["alpha", "beta", "gamma"]


def test_a_winner_that_is_refuted_is_taken_apart_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_bench: Bench, winner: Candidate, instances: Sequence[Instance], **_: Any) -> Held:
        run = measurement(winner.id, instances[0]).model_copy(update={"outcome": Outcome.CRASH, "reason": "it fell"})
        pair = Pair(candidate=run, against=measurement(Candidate(domain=winner.domain).id, instances[0]))
        raise Refuted(pair, instances[0].name)

    monkeypatch.setattr(stages, "holdout", refuse)
    report = taken_apart(tmp_path, monkeypatch, 0.0)
    assert report.holdout is not None
    assert report.holdout.notes[0].startswith("refuted: ")
    assert report.ablation is not None


def measurement(candidate: str, instance: Instance) -> Measurement:
    outcome = Outcome.SOLVED
    return Measurement(
        candidate=candidate, instance=instance.id, family=instance.family, seed=0, outcome=outcome, cost=1, cpu_s=0
    )


def test_a_winner_of_one_slot_and_what_is_no_winner_are_not_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = discover(tmp_path / "1.db", made(slots=("alpha",)))
    assert one.holdout is not None
    assert (one.holdout.verdict, one.ablation) == ("better", None)
    worse = taken_apart(tmp_path, monkeypatch, 2.0)
    assert worse.ablation is None


def test_what_the_search_began_from_is_a_control_where_it_is_more_than_one_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Landscape, "cost", cost_without_noise)
    report, _ = discover(tmp_path / "s.db", made(options={**QUICK, "tuned_baseline": False}))
    start, alone = report.controls["start"], report.controls["best_builtin"]
    assert start.name == "beta=Low,alpha=High"
    assert report.holdout is not None
    assert report.holdout.ratio <= start.ratio < alone.ratio
    default = made(options={**QUICK, "tuned_baseline": False, "start": "default"})
    assert "start" not in discover(tmp_path / "d.db", default)[0].controls


def test_a_verdict_says_how_many_earlier_runs_were_judged_on_its_instances(tmp_path: Path) -> None:
    def notes(**changes: Any) -> tuple[str, ...]:
        report = Discovery(config=made(options={**QUICK, "tuned_baseline": False}, **changes), store=store).run()
        assert report.holdout is not None
        return report.holdout.notes

    with open_store(tmp_path / "s.db") as store:
        assert not any("earlier run" in note for note in notes())
        assert any(note.startswith("1 earlier run held") for note in notes())
        assert any(note.startswith("2 earlier runs held") for note in notes())
        assert not any("earlier run" in note for note in notes(seed=5))
