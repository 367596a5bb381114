"""What a stream has told of a run: as a text that it can go on from."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from slotforge.core.errors import UsageError
from slotforge.lineage.reads.progress import Known, News, Spent, Standing, news, told
from slotforge.lineage.reads.trials import NUMBERS
from slotforge.lineage.store import SqlStore

__all__ = ["Known", "News", "Numbers", "Seen", "Spent", "Standing", "news"]

LONGEST = 4000  # characters of a text
LATE = 16  # lines of the log that may be committed later than those behind them
_STRETCH = r"-?\d{1,18}(?::-?\d{1,18})?"
_TEXT = re.compile(rf"t((?:{_STRETCH}(?:,{_STRETCH})*)?);e((?:{_STRETCH}(?:,{_STRETCH})*)?)")


@dataclass
class Numbers:
    """A set of whole numbers that mostly follow one another, as stretches from a first to a last one."""

    stretches: list[tuple[int, int]] = field(default_factory=list)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.stretches, (number, LARGEST)) - 1
        return place >= 0 and number <= self.stretches[place][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.stretches)

    def add(self, number: int) -> None:
        """Take in a number, and join the stretches that it lies between."""
        if number in self:
            return
        place = bisect_right(self.stretches, (number, LARGEST))
        first = last = number
        if place < len(self.stretches) and self.stretches[place][0] == number + 1:
            last = self.stretches.pop(place)[1]
        if place and self.stretches[place - 1][1] == number - 1:
            first = self.stretches.pop(place - 1)[0]
            place -= 1
        self.stretches.insert(place, (first, last))

    def fill(self, keep: int) -> None:
        """Take in all numbers from 0 on but for the gaps before the last so many stretches."""
        if len(self.stretches) > keep:
            self.stretches[:-keep] = [(0, self.stretches[-keep - 1][1])]

    def around(self, number: int) -> tuple[int, int]:
        """Return the stretch that a number lies in, or an empty one."""
        place = bisect_right(self.stretches, (number, LARGEST)) - 1
        return self.stretches[place] if number in self else (number, number - 1)

    def copy(self) -> Numbers:
        """Return another set of the same numbers."""
        return Numbers(list(self.stretches))

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in self.stretches)

    @classmethod
    def read(cls, text: str) -> Numbers:
        """Read what `str` has written; raises ValueError where it is not that, or no database can hold a number."""
        found: list[tuple[int, int]] = []
        for part in text.split(",") if text else ():
            first, _, last = part.partition(":")
            found.append((int(first), int(last or first)))
        if any(not -NUMBERS < first <= last < NUMBERS for first, last in found) or any(
            a[1] + 1 >= b[0] for a, b in pairwise(found)
        ):
            raise ValueError(text)
        return cls(found)


LARGEST = 10**19


@dataclass
class Seen:
    """What has been told of a run: numbers of trials, which end out of order, and ids of lines of its log."""

    trials: Numbers = field(default_factory=Numbers)
    log: Numbers = field(default_factory=Numbers)

    @property
    def known(self) -> Known:
        """What need not be looked for."""
        first, last = self.trials.around(0)
        event = self.log.stretches[0][1] if self.log.stretches and self.log.stretches[0][0] == 0 else 0
        return Known(first=first, last=last, trials=len(self.trials), event=event)

    @classmethod
    def all_of(cls, store: SqlStore, run: str) -> Seen:
        """Return one that has seen all that there is now."""
        seen = cls()
        numbers, lines = told(store, run)
        for number in numbers:
            seen.trials.add(number)
        for id_ in lines:
            seen.add_line(id_)
        return seen

    def add_line(self, id_: int) -> None:
        """Take in a line of the log: what is much older is taken for told, since ids are not those of one run."""
        self.log.add(id_)
        self.log.fill(LATE)

    def copy(self) -> Seen:
        """Return another one that has seen the same."""
        return Seen(self.trials.copy(), self.log.copy())

    def __str__(self) -> str:
        return f"t{self.trials};e{self.log}"

    @classmethod
    def read(cls, text: str) -> Seen:
        """Read what `str` has written.

        Raises:
            UsageError: it is not that.
        """
        match = _TEXT.fullmatch(text) if len(text) <= LONGEST else None
        try:
            if match is None:
                raise ValueError(text)
            return cls(Numbers.read(match[1]), Numbers.read(match[2]))
        except ValueError:
            raise UsageError(f"'{text[:40]}' is no event id of a stream: begin without one") from None
