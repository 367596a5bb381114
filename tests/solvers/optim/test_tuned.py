"""What tuning found, over problems."""

from __future__ import annotations

from slotforge.core.types import Measurement, Outcome
from slotforge.solvers.optim.tuned import Tuned, tuned


def measured(instance: str, **best: float) -> Measurement:
    stats = {"trials": 12.0, **{f"best step.{name}": value for name, value in best.items()}}
    return Measurement(
        candidate="c", instance=instance, family="f", seed=0, outcome=Outcome.SOLVED, cost=1, cpu_s=1, stats=stats
    )


def test_the_median_of_the_best_is_one_of_them() -> None:
    found = tuned([measured("a", lr=0.1), measured("b", lr=10.0), measured("c", lr=1.0), measured("d", lr=2.0)])
    assert found == {"step.lr": Tuned(value=1.0, low=0.1, high=10.0, problems=4)}


def test_a_problem_counts_once_and_one_that_was_not_solved_not_at_all() -> None:
    assert tuned([measured("a", lr=0.1), measured("a", lr=0.3), measured("b")])["step.lr"].problems == 1
    assert tuned([measured("b")]) == {}
