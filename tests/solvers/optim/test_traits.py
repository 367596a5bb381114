"""The axes on which rules are told apart: textbook rules stand where textbooks say."""

from __future__ import annotations

import pytest

from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.answer import composite
from slotforge.solvers.optim.domain import _Inspected
from slotforge.solvers.optim.traits import traits


def of(name: str, slot: str = "step") -> dict[str, float]:
    base = {} if slot == "selection" else {"step": builtin.default("step")}
    return traits(composite(tuple(sorted({**base, slot: builtin.rules(slot)[name]}.items()))))


@pytest.mark.parametrize(
    ("name", "state", "response"),
    [
        ("sgd", 0.0, 0.75),
        ("heavy_ball", 0.25, 0.75),
        ("signsgd", 0.0, 0.25),
        ("lion", 0.25, 0.25),
        ("adam", 0.5, 0.25),
        ("normalised_momentum", 0.25, 0.25),
    ],
)
def test_state_and_response_of_textbook_rules(name: str, state: float, response: float) -> None:
    found = of(name)
    assert found["state"] == state
    assert found["response"] == pytest.approx(response, abs=1e-3)


@pytest.mark.parametrize("name", ["sgd", "signsgd", "clipped_sgd", "rmsprop"])
def test_the_step_of_a_rule_without_momentum_comes_from_the_gradient_alone(name: str) -> None:
    assert of(name)["memory"] == 0


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "adam", "lion"])
def test_the_step_of_a_rule_with_momentum_comes_mostly_from_memory(name: str) -> None:
    assert of(name)["memory"] > 0.5


def test_selection_has_axes_of_its_own() -> None:
    assert of("plus", "selection")["selection_greed"] == 1
    assert of("comma", "selection")["selection_greed"] < 0.5
    assert set(of("plus", "selection")) == {"selection_state", "selection_greed", "selection_memory"}


@pytest.mark.parametrize("slot", builtin.SLOTS)
def test_every_built_in_rule_has_a_place_on_every_axis(slot: str) -> None:
    axes = {name: set(of(name, slot)) for name in builtin.rules(slot)}
    assert len({frozenset(one) for one in axes.values()}) == 1
    assert all(0 <= share <= 1 for name in axes for share in of(name, slot).values())


def test_the_same_rule_stands_at_the_same_place(step) -> None:
    assert traits(step('return p - hp["lr"] * g, {}')) == traits(step("return p - (g * hp['lr']), {}"))


def test_a_rule_that_moves_nothing_or_explodes_has_the_axes_that_are_left(step) -> None:
    assert traits(step("return p, {}")) == {"state": 0.0, "memory": 0.0}
    assert "response" not in traits(step('return p + 1e300 * 1e300 * g * hp["lr"], {}'))


def test_what_a_process_says_of_itself_is_read_with_suspicion() -> None:
    told = {"behaviour": ["x"], "traits": {"state": 0.5, "memory": 7.0, "response": "high", "more": None}}
    assert _Inspected.of(told).traits == {"state": 0.5}
    assert _Inspected.of({"behaviour": ["x"], "traits": 3}).traits == {}


def test_the_reference_which_is_many_rules_has_no_place() -> None:
    from slotforge.solvers.optim.domain import Optim

    assert Optim().behaviour(Candidate(domain="optim"), (), ()) == {}
