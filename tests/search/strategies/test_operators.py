"""The bandit over operators: strategies that draw among several can have it, and it prefers the one that gains."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.types import Request
from slotforge.search import strategies
from slotforge.search.strategies._operators import OperatorBandit

from .hand_made import archive, lead

GAINING = {
    "mu_plus_lambda:initial=1": "eoh_m1",
    "map_elites:islands=1:cross=0.1": "crossover",
    "automodsat:share=0": "fresh",
    "mcts_ahd:widening=0": "mcts_m2",
}


def asked(spec: str, operator: str, count: int = 200) -> Sequence[str]:
    """Lead a strategy through trials of which those of one operator alone gain, each more than the one before."""

    def answer(number: int, request: Request) -> float:
        return 1 - number / 1000 if request.operator == operator else 1.2 + number / 1000

    known = archive(slots=("alpha", "beta"), horizon=count)
    known.behaviour = lambda trial: {"kind": trial.number % 7 / 7}
    return [request.operator for request in lead(strategies.make(spec), known, answer, count)]


@pytest.mark.parametrize(("spec", "operator"), GAINING.items())
def test_the_operator_that_gains_is_asked_for_more_often(spec: str, operator: str) -> None:
    plain, drawn = (asked(f"{spec}:bandit={on}", operator) for on in (False, True))
    assert set(drawn) <= set(strategies.make(spec).operators)
    assert drawn.count(operator) > 1.25 * plain.count(operator)
    assert drawn.count(operator) > 0.5 * len(drawn)


def test_every_strategy_that_draws_among_operators_is_tried_here() -> None:
    named = registry.names("slotforge.search.strategies")
    with_bandit = {name for name in named if "bandit" in strategies.parameters(name)}
    assert with_bandit == {spec.partition(":")[0] for spec in GAINING}


@pytest.mark.parametrize("name", ["autosat", "reevo", "one_plus_lambda"])
def test_a_strategy_whose_schedule_leaves_no_choice_refuses_the_bandit_in_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=f"strategy '{name}' has no setting 'bandit=True': choose from [a-z_, ]+$"):
        strategies.make(f"{name}:bandit=True")


def test_trials_that_a_schedule_has_chosen_count_as_sent() -> None:
    operators = OperatorBandit(("e2", "m1"))
    for name in ("e1", "m1", "m1"):
        operators.sent(name)
    assert [arm.pulls for arm in operators._bandit.arms] == [0, 2]


def test_an_answer_that_cost_nothing_makes_no_operator_look_cheap() -> None:
    operators, known = OperatorBandit(("e2", "m1")), archive()
    for number, (name, usd) in enumerate((("e2", 0.1), ("m1", 0.0), ("m1", 0.1)), start=1):
        operators.sent(name)
        operators.tell(known, known.trials[0].model_copy(update={"number": number, "operator": name, "usd": usd}))
    assert [(arm.told, arm.cost) for arm in operators._bandit.arms] == [(1, 0.1), (1, 0.1)]
