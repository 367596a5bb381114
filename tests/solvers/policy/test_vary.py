"""Search without a model: variations are sound, differ, and repeat."""

from __future__ import annotations

import ast

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Request
from slotforge.search.worker import domain
from slotforge.solvers.policy.domain import Policies
from slotforge.solvers.policy.source import key

SMALL = {
    "packing": {"capacity": 20, "items": [7, 3, 9, 12, 5, 1, 8, 20, 4, 6]},
    "tsp": {"points": [[0.1, 0.2], [0.8, 0.3], [0.4, 0.9], [0.5, 0.5], [0.9, 0.9], [0.2, 0.7]]},
}


def varied(name: str, seed: int, operator: str = "mutate", sources: tuple[str, ...] = ()) -> str:
    found = domain(name)
    (slot,) = found.slots()
    parents = tuple(Candidate(domain=name, slots={slot: source}) for source in sources) or (Candidate(domain=name),)
    request = Request(operator=operator, parents=parents, slots=(slot,))
    return found.vary(request, generator("vary", seed))[slot]


@pytest.mark.parametrize("name", ["packing", "tsp"])
def test_variations_are_allowed_differ_from_their_parents_and_say_what_was_done(name: str) -> None:
    found = domain(name)
    (slot,) = found.slots()
    source = found.slots()[slot].default
    for seed in range(30):
        before, source = source, varied(name, seed, sources=(source,))
        assert found.check(Candidate(domain=name, slots={slot: source})) is None
        assert key(source) != key(before)
        assert (ast.get_docstring(ast.parse(source)) or "").startswith("Variation of ")


@pytest.mark.parametrize("name", ["packing", "tsp"])
def test_most_variations_solve_instances(name: str) -> None:
    found = domain(name)
    assert isinstance(found, Policies)
    (slot,) = found.slots()
    outcomes = []
    for seed in range(12):
        candidate = Candidate(domain=name, slots={slot: varied(name, seed)})
        reply = found.apply(candidate, SMALL[name])
        outcomes.append(reply.outcome)
        if reply.outcome == "answered":
            assert not found.judge(SMALL[name], reply.answer).fault
    assert outcomes.count("answered") >= 9


@pytest.mark.parametrize("name", ["packing", "tsp"])
def test_the_same_seed_gives_the_same_variation(name: str) -> None:
    assert [varied(name, seed) for seed in range(5)] == [varied(name, seed) for seed in range(5)]
    assert len({varied(name, seed) for seed in range(5)}) >= 4


def test_a_crossover_takes_from_the_other_parent() -> None:
    slot = domain("packing").slots()["priority"]
    sources = (slot.default, "def priority(item, bins):\n    return np.tanh(bins * 17.5)\n")
    made = [varied("packing", seed, "crossover", sources) for seed in range(10)]
    assert sum("another policy" in source for source in made) == 10
    assert sum("tanh" in source or "17.5" in source for source in made) >= 5


def test_new_numbers_can_be_tuned_from_outside() -> None:
    found = domain("packing")
    made = [Candidate(domain="packing", slots={"priority": varied("packing", seed)}) for seed in range(20)]
    assert sum(bool(found.numbers(candidate)) for candidate in made) >= 10


def test_variations_keep_helpers_and_constants_of_a_parent() -> None:
    source = (
        "K = 3\n\n\ndef twice(x):\n    return K * x\n\n\ndef priority(item, bins):\n    return twice(item) - bins\n"
    )
    for seed in range(4):
        candidate = Candidate(domain="packing", slots={"priority": varied("packing", seed, sources=(source,))})
        found = domain("packing")
        assert isinstance(found, Policies)
        assert found.apply(candidate, SMALL["packing"]).outcome in ("answered", "refused")


def test_an_unknown_slot_is_named() -> None:
    with pytest.raises(UsageError, match="no slot called 'phase'"):
        domain("tsp").vary(
            Request(operator="mutate", parents=(Candidate(domain="tsp"),), slots=("phase",)), generator("vary")
        )


@pytest.mark.parametrize(
    ("name", "scores"), [("packing", "{} + 0 * bins"), ("tsp", "unvisited[np.argmin({} + 0 * unvisited)]")]
)
def test_the_terms_of_a_grammar_go_together(name: str, scores: str) -> None:
    found = domain(name)
    assert isinstance(found, Policies)
    (slot,) = found.slots().values()
    terms = " + ".join(f"0 * ({term})" for term in found.grammar.terms)
    head = slot.signature.removesuffix(" ...")
    candidate = Candidate(domain=name, slots={slot.name: f"{head}\n    return {scores.format(terms)}\n"})
    assert found.check(candidate) is None
    assert found.apply(candidate, SMALL[name]).outcome == "answered"
