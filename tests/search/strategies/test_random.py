"""Random proposals know of nothing that was tried: neither by selection nor by their prompt."""

from __future__ import annotations

from slotforge.prompts.render import akin, source
from slotforge.search.strategies.random import Random

from .hand_made import archive, candidate, lead, parents, trial


def test_every_proposal_is_asked_from_the_baseline_whatever_was_found() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="built-in")))
    assert parents(lead(Random(), known, lambda n, _: 0.8 - n / 100, 20)) == [[""]] * 20
    assert known.incumbent.number == 20


def test_its_prompt_tells_nothing_of_what_was_tried() -> None:
    (operator,) = Random.operators
    assert akin(operator) == "fresh"
    assert source(f"{operator}.md").count("include") == 1  # of the number of the proposal
