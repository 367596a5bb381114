"""The tunable numbers of a policy: constants at its top with a range, as `WEIGHT = 0.5  # in [0.05, 5]`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from slotforge.core.errors import UsageError
from slotforge.core.types import Number

WIDE = 10.0  # a range that ends at so many times where it begins is searched by ratios

_REAL = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LINE = re.compile(rf"^([A-Za-z]\w*) = ({_REAL})  # in \[({_REAL}), ({_REAL})\]$", re.MULTILINE)


def numbers(source: str) -> Mapping[str, Number]:
    """Read the numbers that have a range, by name."""
    found = {}
    for name, *texts in _LINE.findall(source):
        value, low, high = map(float, texts)
        if low <= value <= high:
            found[name] = Number(value=value, low=low, high=high, log=low > 0 and high >= WIDE * low)
    return found


def with_numbers(source: str, values: Mapping[str, float]) -> str:
    """Write numbers, within their ranges.

    Raises:
        UsageError: there is no such number.
    """
    known = numbers(source)
    if unknown := sorted(values.keys() - known.keys()):
        raise UsageError(f"the policy has no number '{unknown[0]}': choose from {', '.join(known) or 'none'}")

    def written(line: re.Match[str]) -> str:
        name, _, low, high = line.groups()
        if name not in values:
            return line[0]
        rounded = float(f"{min(max(values[name], float(low)), float(high)):.6g}")
        return declared(name, min(max(rounded, float(low)), float(high)), low, high)

    return _LINE.sub(written, source)


def declared(name: str, value: float, low: str, high: str) -> str:
    """Write the line that declares a number."""
    return f"{name} = {value!r}  # in [{low}, {high}]"
