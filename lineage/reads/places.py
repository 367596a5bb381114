"""Rows that belong to some trials, asked for so that every database finds them by its index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, false, or_

Place = tuple[str, int]  # run and number of a trial


def at(table: Any, places: Iterable[Place]) -> ColumnElement[bool]:
    """Choose the rows of trials, run by run: SQLite may read a whole table where it is asked for pairs of values."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for run, number in places:
        numbers[run].append(number)
    parts = ((table.run == run) & table.number.in_(of) for run, of in numbers.items())
    return or_(false(), *parts)
