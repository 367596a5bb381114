"""Rows that belong to some trials, asked for so that every database finds them by its index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, false, or_

Place = tuple[str, int]  # run and number of a trial


def by_run(places: Iterable[Place]) -> dict[str, list[int]]:
    """Put the numbers of trials together that are of one run."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for run, number in places:
        numbers[run].append(number)
    return numbers


def at(table: Any, places: Iterable[Place]) -> ColumnElement[bool]:
    """Choose the rows of trials, run by run: SQLite may read a whole table where it is asked for pairs of values."""
    parts = ((table.run == run) & table.number.in_(of) for run, of in by_run(places).items())
    return or_(false(), *parts)
