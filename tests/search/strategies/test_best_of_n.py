"""Best of N takes no feedback: not by selection, and not by its prompt."""

from __future__ import annotations

from slotforge.prompts.render import source
from slotforge.search.strategies.best_of_n import BestOfN
from slotforge.search.strategies.one_plus_one_eps import OnePlusOneEps

from .hand_made import archive, candidate, lead, parents, trial


def test_every_proposal_is_asked_from_the_start_whatever_was_found() -> None:
    known = archive(trial(-1, 0.9, candidate(alpha="best built-in")), trial(-2, 1.2, candidate(alpha="other")))
    requests = lead(BestOfN(), known, lambda n, _: 1.0 - n / 100, 20)
    assert parents(requests) == [["best built-in"]] * 20
    assert known.incumbent.number == 20


def test_only_selection_sets_it_apart_from_one_plus_one_eps() -> None:
    assert tuple(BestOfN.operators) == tuple(OnePlusOneEps.operators)


def test_its_prompt_tells_nothing_of_what_was_tried() -> None:
    (operator,) = BestOfN.operators
    text = source(f"{operator}.md")
    assert "_parents.md" in text
    assert "_attempts.md" not in text
    assert "_failures.md" not in text
