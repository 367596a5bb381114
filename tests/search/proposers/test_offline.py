"""Variation without a model: what stands for the operators that only a model understands."""

from __future__ import annotations

import asyncio

import pytest

from slotforge.core.ids import generator
from slotforge.prompts.render import akin, operators
from slotforge.search.proposers.offline import Offline

from .conftest import PROMPT, REQUEST, Toy


class Listening(Toy):
    """Keeps the operators that it was asked for."""

    def __init__(self):
        self.asked = []

    def vary(self, request, rng):
        self.asked.append(request.operator)
        return super().vary(request, rng)


@pytest.mark.parametrize("operator", sorted(operators()))
def test_every_operator_is_varied_as_the_basic_one_that_its_template_names(operator):
    domain = Listening()
    asyncio.run(Offline(domain).complete(PROMPT, REQUEST.model_copy(update={"operator": operator}), generator(1)))
    assert domain.asked == [akin(operator)]
    assert akin(akin(operator)) == akin(operator)
    assert akin(operator) in {"mutate", "fresh", "crossover"}


def test_the_basic_operators_stand_for_themselves_and_those_of_no_template_too():
    assert [akin(name) for name in ("mutate", "fresh", "crossover", "of no template")] == [
        "mutate",
        "fresh",
        "crossover",
        "of no template",
    ]
