"""What makes two policies the same, and their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from slotforge.core.errors import BuildError, UsageError
from slotforge.core.types import Candidate
from slotforge.search.worker import domain
from slotforge.solvers.policy.numbers import numbers, with_numbers
from slotforge.solvers.policy.source import key, load

PLAIN = "def priority(item, bins):\n    x = bins - item\n    return -x\n"
DRESSED = '''"""Best fit."""
import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    """Say it."""
    gap = (bins -
           item)  # what is left
    return -gap
'''
NUMBERED = (
    "A = 0.5  # in [0.05, 5]\nB = 2\nC = 1.0  # in [0.0, 1.0]\n\n\ndef priority(item, bins):\n    return A * bins\n"
)


def test_names_layout_annotations_and_comments_make_no_difference() -> None:
    assert key(PLAIN) == key(DRESSED)
    assert key(PLAIN) == key(DRESSED.replace("gap", "local0"))
    assert key(PLAIN) != key(PLAIN.replace("bins - item", "item - bins"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = item\n    f = lambda local0: local0 + x", "x = item\n    f = lambda local0: local0 + local0"),
        ("x = item\n    f = lambda x: x + bins", "y = item\n    f = lambda x: y + bins"),
        ("x = item\n    f = helper(local0)", "x = item\n    f = helper(x)"),
        ("f = [A for A in bins] + [A]", "f = [B for B in bins] + [B]"),
        ("f = [item for item in bins] + [item]", "f = [bins for bins in bins] + [bins]"),
    ],
)
def test_names_that_mean_different_things_make_a_difference(one: str, other: str) -> None:
    def written(body: str) -> str:
        return f"A = 1\nB = 2\n\n\ndef priority(item, bins):\n    {body}\n    return f\n"

    assert key(written(one)) != key(written(other))


def test_a_default_under_other_names_counts_as_the_baseline() -> None:
    packing = domain("packing")
    assert packing.key(Candidate(domain="packing")) == ""
    same = Candidate(domain="packing", slots={"priority": "def priority(item, bins):\n    return item - bins\n"})
    assert packing.key(same) == ""


def test_a_policy_is_loaded_with_few_words() -> None:
    assert load(PLAIN, "priority")(1, 3) == -2
    with pytest.raises(NameError):
        load("def priority(item, bins):\n    return open(item)\n", "priority")(1, 2)
    with pytest.raises(BuildError, match="no function priority"):
        load("x = 1\n", "priority")


def test_methods_of_arrays_that_import_parts_of_numpy_work_and_nothing_else_is_imported() -> None:
    for method in ("mean", "std", "max", "sum", "any", "round", "argsort", "cumsum"):
        load(f"def priority(item, bins):\n    return bins.{method}()\n", "priority")(1.0, np.arange(3.0))
    with pytest.raises(ImportError, match="os is not there"):
        load("def priority(item, bins):\n    import os\n", "priority")(1, 2)


def test_constants_with_a_range_are_numbers_and_can_be_written() -> None:
    found = numbers(NUMBERED)
    assert {name: (one.value, one.low, one.high, one.log) for name, one in found.items()} == {
        "A": (0.5, 0.05, 5.0, True),
        "C": (1.0, 0.0, 1.0, False),
    }
    changed = with_numbers(NUMBERED, {"A": 100.0})
    assert numbers(changed)["A"].value == 5.0
    assert changed.replace("A = 5.0", "A = 0.5") == NUMBERED
    with pytest.raises(UsageError, match="no number 'B'"):
        with_numbers(NUMBERED, {"B": 1.0})


@pytest.mark.parametrize(("low", "high"), [(1, 1048576), (0.1234564, 0.9999999)])
def test_a_number_at_an_end_of_its_range_stays_within_it(low: float, high: float) -> None:
    source = f"A = {low}  # in [{low}, {high}]\n"
    for value, end in ((0.0, low), (1e9, high)):
        assert numbers(with_numbers(source, {"A": value}))["A"].value == end


def test_a_domain_names_the_numbers_by_their_slot() -> None:
    packing = domain("packing")
    candidate = Candidate(domain="packing", slots={"priority": NUMBERED})
    assert set(packing.numbers(candidate)) == {"priority.A", "priority.C"}
    changed = packing.with_numbers(candidate, {"priority.C": 0.25})
    assert packing.numbers(changed)["priority.C"].value == 0.25
    assert packing.with_numbers(candidate, {"priority.A": 0.5}) is candidate
