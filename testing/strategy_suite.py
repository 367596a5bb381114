"""What every search strategy must do, for the project's own tests and for those of extensions.

Inherit from `AdaptiveSuite` in a test file, or from `StrategySuite` where a strategy takes no feedback, and give a
fixture `spec` that returns what `--strategy` takes. All searches go over the landscape, without a model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from slotforge.core.seams import Proposer
from slotforge.core.types import Budget, Request, RunConfig, Trial
from slotforge.lineage.queries import usage
from slotforge.lineage.records import Usage
from slotforge.lineage.store import open_store
from slotforge.prompts.render import operators
from slotforge.search import proposers, strategies
from slotforge.search.archive import FAILED_STATES, Archive
from slotforge.search.budget import Ledger
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.search.proposers.offline import Offline
from slotforge.search.report import Report
from slotforge.search.tuned import TUNE
from slotforge.testing import hills, scripted
from slotforge.testing.landscape import Landscape

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core import seams

EVALS = 16
OPTIONS = {"per_family": 5, "start": "default", "tuned_baseline": False}
LONG = 60  # trials in which a strategy with feedback must come further than any single change leads
TOKENS, USD = 100, 0.25  # the price of an answer


def config(spec: str, **changes: object) -> RunConfig:
    """Set up a short search by a strategy from the default, so that no built-in policy and no tuner does its work."""
    short = {"budget": Budget(evals=EVALS), "options": OPTIONS}
    return hills.config(**{"strategy": spec, **short, **changes})


@contextmanager
def answered_by(make: Any) -> Iterator[None]:
    """Let a proposer of one's own answer; `make` gets the ledger of the run."""

    def instead(_: str, *, budget: Ledger, **__: object) -> Proposer:
        made: Proposer = make(budget)
        return made

    with mock.patch.object(proposers, "make", instead):
        yield


def store() -> Path:
    """Return a database for all searches of this process; to make one takes longer than a search."""
    return Path(_folder().name) / "s.db"


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="slotforge-suite-")


@lru_cache(maxsize=4)
def whole(spec: str) -> Mapping[int, Trial]:
    """Search once from beginning to end."""
    with open_store(store()) as opened:
        return opened.trials(Discovery(config=config(spec), store=opened).run().run)


class Impatient(Silent):
    """Interrupts a search after some trials."""

    def __init__(self, trials: int) -> None:
        self.left = trials

    def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
        """Count, and interrupt."""
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def interrupted(made: RunConfig, after: tuple[int, ...]) -> dict[int, tuple[object, ...]]:
    """Search, interrupted after so many trials of each stretch but the last; return the archive before its verdict."""
    run = ""
    with open_store(store()) as opened:
        for trials in after:
            job = Discovery(config=made, store=opened, observer=Impatient(trials), run_id=run)
            with pytest.raises(KeyboardInterrupt):
                job.run()
            run = job.run_id
        assert Discovery(config=made, store=opened, run_id=run).run().state == "finished"
        return hills.searched(opened.trials(run))


def paid(made: RunConfig, price: Mapping[str, Any]) -> tuple[Report, Usage]:
    """Search with answers at a price; return the report, and what was spent."""
    with (
        open_store(store()) as opened,
        answered_by(lambda ledger: scripted.Priced(Offline(Landscape()), ledger, **price)),
    ):
        report = Discovery(config=made, store=opened).run()
        return report, usage(opened, report.run)


class Checked:
    """A strategy that says so if what it is told is not what it asked for, in its order."""

    def __init__(self, inner: seams.Strategy) -> None:
        self.inner = inner
        self._asked: deque[Request] = deque()

    @property
    def operators(self) -> Sequence[str]:
        """Those of the strategy within."""
        return self.inner.operators

    def ask(self, archive: seams.Archive, rng: Generator) -> Request:
        """Ask, and remember what was asked for."""
        self._asked.append(self.inner.ask(archive, rng))
        return self._asked[-1]

    def tell(self, archive: seams.Archive, trial: Trial) -> None:
        """Compare, and tell."""
        asked = self._asked.popleft()
        assert (trial.operator, trial.parents) == (asked.operator, tuple(parent.id for parent in asked.parents))
        assert {*trial.slots} <= {*asked.slots}
        assert archive.trials[-1].number == trial.number
        self.inner.tell(archive, trial)


@contextmanager
def checked() -> Iterator[None]:
    """Let every strategy say so if what it is told is not what it asked for."""
    make = strategies.make
    with mock.patch.object(strategies, "make", lambda spec: Checked(make(spec))):
        yield


class StrategySuite:
    """Inherit, and give a fixture `spec`."""

    def test_its_operators_are_templates_and_it_asks_for_no_others(self, spec: str) -> None:
        named = set(strategies.make(spec).operators)
        assert named
        assert named <= set(operators())
        assert {trial.operator for number, trial in whole(spec).items() if number > 0} <= named

    def test_it_repeats_by_seed_and_differs_between_seeds(self, spec: str) -> None:
        _, again = hills.discover(store(), config(spec))
        _, other = hills.discover(store(), config(spec, seed=1))
        assert again == hills.searched(whole(spec))
        assert other != again

    def test_a_run_that_is_interrupted_ends_as_if_it_had_not_been(self, spec: str) -> None:
        assert interrupted(config(spec), after=(3, 9)) == hills.searched(whole(spec))

    def test_it_survives_a_proposer_whose_every_proposal_fails(self, spec: str) -> None:
        with answered_by(lambda _: scripted.Failing()):
            report, trials = hills.discover(store(), config(spec))
        assert (report.state, report.trials) == ("finished", EVALS)
        assert {state for number, (_, state, *_) in trials.items() if number > 0} <= set(FAILED_STATES)
        assert not report.best.slots

    @pytest.mark.parametrize("window", [1, 8])
    def test_it_makes_exactly_the_trials_that_the_budget_allows(self, spec: str, window: int) -> None:
        report, trials = hills.discover(store(), config(spec, window=window))
        assert (report.state, report.trials) == ("finished", EVALS)
        assert sorted(trials) == list(range(EVALS + 1))

    def test_eight_workers_reach_the_archive_that_one_reaches(self, spec: str) -> None:
        _, alone = hills.discover(store(), config(spec, window=8))
        _, many = hills.discover(store(), config(spec, window=8, workers=8, executor="process"))
        assert many == alone

    def test_it_lets_a_tuner_of_numbers_have_a_share_of_the_trials(self, spec: str) -> None:
        made = config(spec, options={**OPTIONS, "tune_share": 0.25})
        with open_store(store()) as opened:
            run = Discovery(config=made, store=opened).run().run
            asked = [trial.operator for number, trial in opened.trials(run).items() if number > 0]
        assert len(asked) == EVALS
        assert asked.count(TUNE) == EVALS // 4
        assert {*asked} - {TUNE} <= set(strategies.make(spec).operators)

    def test_it_spends_all_tokens_of_the_budget_that_buy_an_answer_and_no_more(self, spec: str) -> None:
        made = config(spec, budget=Budget(evals=1000, tokens=12 * TOKENS + TOKENS // 2))
        report, spent = paid(made, {"tokens": TOKENS})
        assert report.state == "finished"
        assert spent.tokens == 12 * TOKENS

    def test_it_spends_all_dollars_of_the_budget_and_no_more(self, spec: str) -> None:
        made = config(spec, budget=Budget(evals=1000, usd=12 * USD))
        report, spent = paid(made, {"usd": USD})
        assert report.state == "finished"
        assert spent.usd == 12 * USD

    @pytest.mark.parametrize(
        ("window", "tuned", "limit", "price"),
        [
            (4, 0.2, Budget(tokens=27 * TOKENS // 2), {"tokens": TOKENS}),
            (8, 0.5, Budget(usd=13.5 * USD), {"usd": USD}),
        ],
        ids=["tokens", "usd"],
    )
    def test_where_the_budget_cuts_trials_short_it_is_told_what_it_asked_for_and_resuming_is_exact(
        self, spec: str, window: int, tuned: float, limit: Budget, price: Mapping[str, Any]
    ) -> None:
        options = {**OPTIONS, "tune_share": tuned}
        made = config(spec, model="priced", window=window, budget=limit, options=options)
        with answered_by(lambda ledger: scripted.Priced(Offline(Landscape()), ledger, **price)), checked():
            report, whole = hills.discover(store(), made)
            assert report.state == "finished"
            assert interrupted(made, after=(2, sum(number > 0 for number in whole) - 1)) == whole


class AdaptiveSuite(StrategySuite):
    """Inherit for a strategy that goes on from what it has found, and give a fixture `spec`."""

    def test_with_feedback_it_comes_further_than_any_single_change_leads(self, spec: str) -> None:
        report, _ = hills.discover(
            store(), config(spec, budget=Budget(evals=LONG), options={**OPTIONS, "per_family": 10}, window=1)
        )
        land = Landscape()
        single = min(land.height({slot: str(value)}) for slot, value in land.optimum.items())
        assert land.height(report.best.slots) < single
