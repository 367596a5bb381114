"""How an exchange stands in the store whose texts were dropped: see `prune.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from slotforge.core.errors import Dropped
from slotforge.core.types import Call, Prompt

Key = TypeVar("Key")

NO_PROMPT = Prompt(operator="", messages=())
"""What exchanges that were dropped ask; they have no answer either."""


def whole(run: str, calls: Mapping[Key, Sequence[Call]]) -> Mapping[Key, Sequence[Call]]:
    """Return the exchanges of a run; raises Dropped where some were, for nothing can be replayed from it."""
    expect_whole(run, (call.completion.text for of in calls.values() for call in of if call.prompt.id == NO_PROMPT.id))
    return calls


def expect_whole(run: str, answers: Iterable[str]) -> None:
    """Refuse a run some of whose answers to no prompt are empty; raises Dropped."""
    if not all(answers):
        raise Dropped(f"the exchanges of run {run} were dropped by `slotforge db prune`: take those of a backup")
