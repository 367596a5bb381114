"""Many lines of the same kind, for people: the first few of each kind, and how many more there are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

SHOWN = 3  # of each kind

_OWN = re.compile(r"(?<= as ).*(?=,)|'[^']*'|\d+")


def grouped(lines: Iterable[str], shown: int = SHOWN) -> list[str]:
    """Put lines "PLACE: REASON" in groups by their reason, whatever names and numbers stand in it.

    Args:
        shown: how many of each group are named; the rest is counted in one line.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        groups[_kind(line)].append(line)
    return [line for kind, members in groups.items() for line in _shortened(kind, members, shown)]


def _shortened(kind: str, members: list[str], shown: int) -> list[str]:
    """Name the first; a line that counts takes the place of two lines or more."""
    if len(members) <= shown + 1:
        return members
    return [*members[:shown], f"... and {len(members) - shown} more: {kind}"]


def _kind(line: str) -> str:
    place, colon, reason = line.partition(": ")
    return _OWN.sub("...", reason if colon else place)
