"""What was made last, for those who ask for the same again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, TypeVarTuple

Made = TypeVar("Made")
Facts = TypeVarTuple("Facts")


class Latest(Generic[Made]):
    """The results of functions of their arguments alone, one for each of a few keys; for one thread.

    Arguments that are equal are the same: neither the order of a mapping nor the sign of a zero may decide.

    most: keys; the one that was asked for longest ago is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[Hashable, tuple[object, Made]] = {}

    def of(self, key: Hashable, make: Callable[[*Facts], Made], *facts: *Facts) -> Made:
        """Return what a function makes of its arguments, anew unless they equal those of the last time for the key."""
        known = self._made.pop(key, None)
        made = make(*facts) if known is None or known[0] != facts else known[1]
        if len(self._made) >= self._most:
            del self._made[next(iter(self._made))]
        self._made[key] = facts, made  # the newest: what is the same object again need not be compared
        return made
