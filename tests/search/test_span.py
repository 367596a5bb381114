"""How far from the reference a search can still tell candidates apart."""

import pytest

from slotforge.core.types import CAP, Measurement, Outcome
from slotforge.search.racing import geometric_mean_ratio


def measured(cost: float) -> Measurement:
    return Measurement(candidate="c", instance="i", family="f", seed=0, outcome=Outcome.SOLVED, cost=cost, cpu_s=0.0)


def test_far_from_the_reference_ratios_are_equal_unless_the_domain_spans_more() -> None:
    reference = {"i": measured(1)}
    assert geometric_mean_ratio([measured(50)], reference) == geometric_mean_ratio([measured(90)], reference)
    assert geometric_mean_ratio([measured(50)], reference) == pytest.approx(CAP)
    assert geometric_mean_ratio([measured(50)], reference, 1e4) == pytest.approx(50)
