"""What a policy may be made of, and what is refused before anything runs."""

from __future__ import annotations

import pytest

from slotforge.search.worker import domain
from slotforge.solvers.policy.hygiene import check

ARGUMENTS = ("item", "bins")


def refusal(source: str) -> str:
    return check(source, "priority", ARGUMENTS) or ""


def with_body(*lines: str) -> str:
    return "def priority(item, bins):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("name", ["packing", "tsp"])
def test_every_policy_that_ships_is_allowed(name: str) -> None:
    found = domain(name)
    for slot in found.slots().values():
        for source in slot.variants.values():
            assert check(source, slot.name, slot.signature.partition("(")[2].partition(")")[0].replace(
                ": float", "").replace(": np.ndarray", "").replace(": int", "").split(", ")) is None  # fmt: skip


def test_code_as_models_write_it_is_allowed() -> None:
    source = '''
import numpy as np

WEIGHT = 0.5  # in [0.05, 5]


def closeness(space: float, item: float) -> float:
    """Say how close it is."""
    return -abs(space - item)


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    """Score each bin."""
    scores = np.zeros_like(bins)
    best, worst = float("-inf"), float("inf")
    for place, space in enumerate(bins):
        if space - item <= 2 and space > 0:
            scores[place] += WEIGHT
        elif space > 3 * item:
            continue
        best = max(best, closeness(space, item))
    scores[1:] -= scores[:-1]
    order = sorted(range(len(bins)), key=lambda place: bins[place])
    ranks = {place: rank for rank, place in enumerate(order)}
    while best > worst:
        best -= 1
    return scores + np.array([ranks[place] for place in range(len(bins))]) / (1 + bins.max())
'''
    assert refusal(source) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os", "only `import numpy as np`"),
        ("return open('/etc/passwd')", "a string may only be"),
        ("return np.fromfile(item)", "'np.fromfile' is not among"),
        ("return np.load(item)", "'np.load' is not among"),
        ("return np.random.rand(3)", "random numbers are not there"),
        ("return bins.tofile(3)", "'.tofile' is not among"),
        ("return bins.__class__", "'.__class__' is not among"),
        ("return ().__class__.__mro__", "is not among"),
        ("return np.lib", "'np.lib' is not among"),
        ("np.argmax = min", "attributes cannot be changed"),
        ("priority.calls = 1", "attributes cannot be changed"),
        ("np = 3", "may not be given away"),
        ("return __builtins__", "is reserved"),
        ("global item", "global is not allowed"),
        ("raise item", "raise is not allowed"),
        ("class A: pass", "classes are not allowed"),
        ("return f(**bins)", "** in a call is not allowed"),
        ("return np.empty(3)", "'np.empty' is not among"),  # holds what was in memory before
        ("yield item", "yield is not allowed"),
    ],
)
def test_what_a_policy_has_no_need_of_is_refused_with_its_line(body: str, said: str) -> None:
    told = refusal(with_body("x = 1", body, "return bins"))
    assert told.startswith("line 3: ")
    assert said in told


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "write def priority(item, bins)"),
        ("def priority(bins, item):\n    return bins\n", "write def priority(item, bins)"),
        ("def priority(item, bins=3):\n    return bins\n", "no defaults"),
        ("@abs\ndef priority(item, bins):\n    return bins\n", "decorators"),
        ("x = []\n" + with_body("return bins"), "constants are numbers"),
        ("print(3)\n" + with_body("return bins"), "constants and functions only"),
        (with_body("return bins") * 2, "defined twice"),
        (with_body("return (bins"), "no Python"),
        (with_body("return " + "(" * 50 + "bins" + ")" * 50), "nest deeper"),
        (with_body("return " + "-" * 90 + "bins"), "nests deeper"),
        (with_body("return bins") + "#" * 20_000, "at most 16384"),
    ],
)
def test_a_file_of_another_form_is_refused(source: str, said: str) -> None:
    assert said in refusal(source)


@pytest.mark.parametrize(
    "call", ["np.add(bins, 0.0, where=bins < 0)", "np.log(bins, where=bins > 0)", "np.add(bins, 1.0, out=bins)"]
)
def test_no_call_leaves_numbers_as_they_are_found_in_memory(call: str) -> None:
    assert "in a call is not allowed" in refusal(with_body(f"return {call}"))
