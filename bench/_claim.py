"""The form of a claim, and the table of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Figures = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim.

    rules: built-in rules that it is about, as slot/name.
    source: where it is made.
    says: the claim, as far as it is measured.
    measure: returns the figures, and whether the direction is reproduced.
    """

    rules: tuple[str, ...]
    source: str
    says: str
    measure: Callable[[], tuple[Figures, bool]]


CLAIMS: dict[str, Claim] = {}


def claim(rules: str, source: str, says: str) -> Callable[[Callable[[], tuple[Figures, bool]]], Claim]:
    """Enter a function into the table under its name; rules are separated by blanks, those of `step` without slot."""

    def enter(measure: Callable[[], tuple[Figures, bool]]) -> Claim:
        named = tuple(rule if "/" in rule else f"step/{rule}" for rule in rules.split())
        made = Claim(rules=named, source=source, says=says, measure=measure)
        CLAIMS[measure.__name__] = made
        return made

    return enter
