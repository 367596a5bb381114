"""Numbers are tuned outside the model: as trials of the same loop, raced, recorded, and resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
from numpy.random import Generator
from optuna.trial import FrozenTrial, create_trial

from slotforge.core import registry
from slotforge.core.errors import ModelError
from slotforge.core.ids import generator
from slotforge.core.seams import Archive as Seen
from slotforge.core.types import Budget, Candidate, Completion, Number, Prompt, Request, RunConfig, Trial, TrialState
from slotforge.lineage.store import open_store
from slotforge.search import estimator, tuner
from slotforge.search.archive import Archive, better
from slotforge.search.discover import Discovery
from slotforge.search.proposers.offline import Offline
from slotforge.search.strategies._common import standard_bit_mutation
from slotforge.search.tuned import TUNE, Tuned
from slotforge.search.tuner import Tuner
from slotforge.search.worker import domain
from slotforge.testing import hills, strategy_suite
from slotforge.testing.landscape import NAME, Landscape

STRATEGIES = tuple(registry.names("slotforge.search.strategies"))
LAND = Landscape()
NUMBERS = {f"alpha.{name}": Number(value=1, low=0.1, high=10, log=name == "b") for name in "abc"}


def config(**changes: Any) -> RunConfig:
    options = {"per_family": 10, "start": "default", "tune_share": 0.25, "tuned_baseline": False}
    return hills.config(**{"budget": Budget(evals=12), "options": options, **changes})


def trials_of(path: Path, made: RunConfig) -> Mapping[int, Trial]:
    with open_store(path) as store:
        return store.trials(Discovery(config=made, store=store).run().run)


def test_the_tuner_finds_the_best_numbers_of_a_landscape() -> None:
    tuner = Tuner(domain=LAND, slots=tuple(LAND.slots()))

    def trial(number: int, candidate: Candidate) -> Trial:
        return Trial(
            run="r", number=number, operator="", slots=(), parents=(), state=TrialState.SCORED,
            candidate=candidate, ratio=LAND.height(candidate.slots), instances=8,
        )  # fmt: skip

    best = trial(0, Candidate(domain=NAME))
    for number in range(1, 120):
        made = tuner.ask(best, generator("seed", number))
        assert made is not None
        tuner.tell(now := trial(number, made))
        best = now if better(now, best) else best
    assert best.ratio is not None
    assert best.ratio < LAND.height({}) / 100


def trials_to_tune(count: int, rng: Generator) -> list[FrozenTrial]:
    """Make trials of three numbers: complete, pruned at some instance, and pruned at none."""
    made = []
    for _ in range(count):
        kind = rng.integers(3)
        made.append(
            create_trial(
                state=optuna.trial.TrialState.COMPLETE if kind == 0 else optuna.trial.TrialState.PRUNED,
                params={name: float(rng.uniform(one.low, one.high)) for name, one in NUMBERS.items()},
                distributions=estimator._ranges(NUMBERS),
                value=float(rng.random()) if kind == 0 else None,
                intermediate_values={int(rng.integers(1, 5)): float(rng.random())} if kind == 1 else {},
            )
        )
    return made


def asked_of_optuna(
    numbers: Mapping[str, Number], told: Sequence[FrozenTrial], sampler: np.random.RandomState
) -> Mapping[str, float]:
    """Ask a new study to which the trials were added, with a sampler that begins from a state."""

    class Together(optuna.samplers.TPESampler):
        def infer_relative_search_space(self, *_: object) -> dict[str, optuna.distributions.BaseDistribution]:
            return dict(sorted(ranges.items()))

    ranges, asking = estimator._ranges(numbers), Together(n_startup_trials=1)
    asking._rng.rng.set_state(sampler.get_state())
    study = optuna.create_study(sampler=asking)
    study.add_trials(told)
    return study.ask(ranges).params


@pytest.mark.parametrize("count", [1, 2, 7, 40, tuner.REMEMBERED - 1])
def test_what_is_suggested_is_what_a_study_of_optuna_suggests_to_which_the_trials_were_added(count: int) -> None:
    told, asking = trials_to_tune(count, generator("told", count)), Tuner(domain=LAND, slots=tuple(LAND.slots()))
    for seed in range(5):
        rng = generator(seed)
        state = np.random.RandomState(int(rng.integers(2**32)))
        numbers = {name: NUMBERS[name] for name in standard_bit_mutation(tuple(NUMBERS), rng)}
        asked = asked_of_optuna(numbers, told, state)
        suggested = asking.suggest(NUMBERS, told, generator(seed))
        assert suggested == [{name: pytest.approx(value, rel=1e-3) for name, value in asked.items()}]
        assert suggested == asking.suggest(NUMBERS, told, generator(seed))


@pytest.mark.parametrize("count", [tuner.REMEMBERED, tuner.REMEMBERED + 31])
def test_each_of_several_suggestions_is_what_optuna_suggests_for_its_numbers_alone(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[Mapping[str, float]] = []
    choose = estimator._Shared.choose

    def watched(self: estimator._Shared, names: Sequence[str]) -> Mapping[str, float]:
        numbers = {name: NUMBERS[name] for name in names}
        expected.append(asked_of_optuna(numbers, told[-tuner.REMEMBERED :], self._rng.rng))
        return choose(self, names)

    monkeypatch.setattr(estimator._Shared, "choose", watched)
    told, asking = trials_to_tune(count, generator("told", count)), Tuner(domain=LAND, slots=tuple(LAND.slots()))
    for seed in range(5):
        expected.clear()
        suggested = asking.suggest(NUMBERS, told, generator(seed))
        assert len(suggested) == tuner.AT_ONCE
        assert suggested == [{name: pytest.approx(v, rel=1e-3) for name, v in one.items()} for one in expected]
        assert suggested == asking.suggest(NUMBERS, told, generator(seed))


def test_each_of_several_suggestions_changes_numbers_of_its_own() -> None:
    numbers = {f"alpha.{name}": Number(value=1, low=0.1, high=10) for name in "abcdefghijkl"}
    told = [
        create_trial(value=float(one), params=dict.fromkeys(numbers, 1.0), distributions=estimator._ranges(numbers))
        for one in range(tuner.REMEMBERED)
    ]
    made = [Tuner(domain=LAND, slots=("alpha",)).suggest(numbers, told, generator(seed)) for seed in range(40)]
    assert sum(len({frozenset(values) for values in one}) == tuner.AT_ONCE for one in made) > 20
    changed = [len(values) for one in made for values in one]
    assert 1.1 < sum(changed) / len(changed) < 1.7  # k ~ Bin(12, 1/12), but at least one: 1.35 in the mean


def test_the_newest_trials_of_a_structure_are_remembered_and_the_one_that_is_changed_is_among_these() -> None:
    known, (one,) = tuner._Structure(), trials_to_tune(1, generator("told"))
    for number in range(tuner.REMEMBERED + 5):
        known.remember(number, one)
    assert list(known.told) == list(range(5, tuner.REMEMBERED + 5))
    known.remember(7, one)
    known.remember(-1, one)
    assert list(known.told)[-3:] == [tuner.REMEMBERED + 4, 7, -1]
    assert len(known.told) == tuner.REMEMBERED


@pytest.mark.parametrize(("known", "see"), [(tuner.REMEMBERED - 1, 1), (tuner.REMEMBERED, tuner.AT_ONCE)])
def test_where_much_is_known_a_few_suggestions_follow_from_the_same_trials(known: int, see: int) -> None:
    def trial(number: int, height: float) -> Trial:
        return Trial(
            run="r", number=number, operator="", slots=(), parents=(), state=TrialState.SCORED,
            candidate=Candidate(domain=NAME, slots={"alpha": repr(height)}), ratio=1 + height, instances=8,
        )  # fmt: skip

    def suggested(*, told_meanwhile: bool) -> list[Candidate | None]:
        tuner = Tuner(domain=LAND, slots=("alpha",))
        for number in range(known):
            tuner.tell(trial(number, 0.3 + number / 1000))
        made = []
        for number in range(known, known + 2 * see):
            made.append(tuner.ask(trial(0, 0.3), generator("seed", number)))
            if told_meanwhile:
                tuner.tell(trial(number, 0.2 - number / 1000))  # better than all before
        return made

    blind, seeing = suggested(told_meanwhile=False), suggested(told_meanwhile=True)
    assert blind[:see] == seeing[:see]
    assert blind[see] != seeing[see]


def test_what_a_tuner_was_asked_before_does_not_tell_in_what_it_suggests() -> None:
    one, other = (trials_to_tune(40, generator("told", number)) for number in (1, 2))
    fewer = {name: NUMBERS[name] for name in ("alpha.a", "alpha.c")}
    asked = [(NUMBERS, one), (NUMBERS, other), (fewer, other), (NUMBERS, one[:1]), (NUMBERS, one)]

    def tuner() -> Tuner:
        return Tuner(domain=LAND, slots=tuple(LAND.slots()))

    busy = tuner()
    together = [busy.suggest(numbers, told, generator(7)) for numbers, told in asked]
    assert together == [tuner().suggest(numbers, told, generator(7)) for numbers, told in asked]
    assert together[0] != together[1]


def test_the_tuner_changes_numbers_of_the_searched_slots_alone_and_keeps_them_within_bounds() -> None:
    tuner = Tuner(domain=LAND, slots=("beta",))
    baseline = Trial(
        run="r", number=0, operator="", slots=(), parents=(), state=TrialState.SCORED, ratio=1,
        candidate=Candidate(domain=NAME),
    )  # fmt: skip
    for seed in range(20):
        made = tuner.ask(baseline, generator(seed))
        assert made is not None
        assert set(made.slots) == {"beta"}
        assert LAND.check(made) is None


@pytest.mark.parametrize("bounds", ["[0, 1e400]", "[-1e308, 1e308]"])
def test_a_range_that_is_wider_than_numbers_go_is_left_to_who_declared_it(bounds: str) -> None:
    packing = domain("packing")
    slots = {"priority": f"A = 1  # in {bounds}\nB = 1  # in [0, 2]\n{packing.slots()['priority'].default}"}
    trial = Trial(
        run="r", number=0, operator="", slots=(), parents=(), state=TrialState.SCORED, ratio=1,
        candidate=Candidate(domain="packing", slots=slots),
    )  # fmt: skip
    tuner = Tuner(domain=packing, slots=tuple(slots))
    for seed in range(1, 20):
        made = tuner.ask(trial, generator(seed))
        assert made is not None
        assert packing.numbers(made)["priority.A"].value == 1
        tuner.tell(trial.model_copy(update={"number": seed, "candidate": made}))


def test_a_range_that_stands_in_a_comment_keeps_apart_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "REMEMBERED", 1)
    packing = domain("packing")

    def trial(high: int) -> Trial:
        slots = {"priority": f"A = 1  # in [0, {high}]\n{packing.slots()['priority'].default}"}
        return Trial(
            run="r", number=0, operator="", slots=(), parents=(), state=TrialState.SCORED, ratio=1,
            candidate=Candidate(domain="packing", slots=slots),
        )  # fmt: skip

    wide, narrow = trial(1000), trial(2)
    assert wide.candidate is not None
    assert narrow.candidate is not None
    assert packing.key(wide.candidate) == packing.key(narrow.candidate)

    def asked(*subjects: Trial) -> list[Candidate | None]:
        tuner = Tuner(domain=packing, slots=("priority",))
        return [[tuner.ask(one, generator(seed)) for one in subjects][-1] for seed in range(10)]

    assert asked(wide, narrow) == asked(narrow)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_share_of_the_trials_of_any_strategy_goes_to_numbers_and_resuming_is_exact(
    strategy: str, tmp_path: Path
) -> None:
    made = config(strategy=strategy)
    trials = trials_of(tmp_path / "whole.db", made)
    tuned = [number for number, trial in trials.items() if trial.operator == TUNE]
    assert tuned == [4, 8, 12]
    assert not any(trials[number].calls for number in tuned)
    assert strategy_suite.interrupted(made, after=(3, 5)) == hills.searched(trials)


@pytest.mark.parametrize("after", [(3, 5), (17, 22, 30), (21, 1, 2, 3, 9)])
def test_resuming_is_exact_where_suggestions_wait(
    after: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuner, "REMEMBERED", 3)
    options = {"per_family": 10, "start": "default", "tune_share": 0.5, "tuned_baseline": False}
    made = config(budget=Budget(evals=60), options=options)
    trials = trials_of(tmp_path / "whole.db", made)
    assert sum(trial.operator == TUNE for trial in trials.values()) > 7 * tuner.AT_ONCE / 2
    assert strategy_suite.interrupted(made, after=after) == hills.searched(trials)


def test_without_a_share_and_without_numbers_nothing_is_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = config(options={"per_family": 10, "tuned_baseline": False})
    assert all(trial.operator != TUNE for trial in trials_of(tmp_path / "1.db", none).values())
    monkeypatch.setattr(Landscape, "numbers", lambda _self, _candidate: {})
    made = config()
    assert all(trial.operator != TUNE for trial in trials_of(tmp_path / "2.db", made).values())


def test_numbers_that_proposals_alone_declare_are_tuned_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Landscape.numbers
    monkeypatch.setattr(Landscape, "numbers", lambda self, one: declared(self, one) if one.slots else {})
    assert any(trial.operator == TUNE for trial in trials_of(tmp_path / "s.db", config()).values())


def test_the_model_is_told_that_numbers_are_tuned_where_they_are(tmp_path: Path) -> None:
    def system(made: RunConfig, path: Path) -> set[str]:
        return {call.prompt.messages[0][1] for trial in trials_of(path, made).values() for call in trial.calls}

    assert all("Numbers are tuned outside" in text for text in system(config(), tmp_path / "1.db"))
    plain = config(options={"per_family": 10, "tuned_baseline": False})
    assert not any("Numbers are tuned outside" in text for text in system(plain, tmp_path / "2.db"))


class Down:
    """A model that answers nothing."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:  # noqa: ARG002
        raise ModelError("no route to host")


def test_trials_that_ask_no_model_do_not_hide_that_it_is_down(tmp_path: Path) -> None:
    options = {"per_family": 10, "start": "default", "tune_share": 0.6, "tuned_baseline": False}
    made = config(options=options)
    whole = trials_of(tmp_path / "whole.db", made)
    with open_store(tmp_path / "s.db") as store, strategy_suite.answered_by(lambda _: Down()):
        report = Discovery(config=made, store=store).run()
        assert (report.state, report.failure) == ("interrupted", "no route to host")
        with strategy_suite.answered_by(lambda _: Offline(LAND)):
            assert Discovery(config=made, store=store, run_id=report.run).run().state == "finished"
        assert hills.archive(store.trials(report.run)) == hills.archive(whole)


class Watching:
    """A strategy that keeps what it is asked and told."""

    operators: ClassVar[Sequence[str]] = ("mutate",)

    def __init__(self) -> None:
        self.named: list[str] = []
        self.told: list[Trial] = []
        self.seen: list[int] = []

    def ask(self, archive: Seen, rng: Generator) -> Request:  # noqa: ARG002
        parent = archive.seeds[0].candidate
        assert parent is not None
        self.named.append(parent.id)
        self.seen = [trial.number for trial in archive.trials]
        return Request(operator="mutate", parents=(parent,), slots=("alpha",))

    def tell(self, archive: Seen, trial: Trial) -> None:
        assert archive.trials[-1].number == trial.number
        self.told.append(trial)


def test_a_strategy_knows_nothing_of_the_tuner_but_its_parents_have_the_best_numbers() -> None:
    baseline = Trial(
        run="r", number=0, operator="baseline", slots=(), parents=(), state=TrialState.SCORED, ratio=1,
        candidate=Candidate(domain=NAME),
    )  # fmt: skip
    archive = Archive(slots=tuple(LAND.slots()), baseline=baseline, horizon=40)
    inner = Watching()
    strategy = Tuned(inner=inner, domain=LAND, slots=archive.slots, share=0.5)
    found: Candidate | None = None
    for number in range(1, 9):
        request = strategy.ask(archive, generator(number))
        candidate = request.parents[0].with_slots(request.written or {"alpha": "0.4"})
        if request.operator == TUNE and found is None:
            found = candidate
        elif found is not None and request.operator != TUNE:
            assert request.parents[0] == found
        trial = Trial(
            run="r", number=number, operator=request.operator, slots=request.slots, candidate=candidate,
            parents=tuple(parent.id for parent in request.parents), state=TrialState.SCORED,
            ratio=0.5 if candidate == found else 2,
        )  # fmt: skip
        archive.add(trial)
        strategy.tell(archive, trial)
    assert found is not None
    assert archive.incumbent.candidate == found
    assert [trial.parents[0] for trial in inner.told] == inner.named == [baseline.candidate.id] * 4  # type: ignore[union-attr]
    assert inner.seen == [0, 1, 3, 5]
