"""What chat models cost, by the dated tables in `prices.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from slotforge.core.errors import UsageError
from slotforge.core.home import home

MILLION = 1_000_000
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    cached: float
    output: float

    def usd(self, *, read: int, cached: int, written: int) -> float:
        """Return the price of a call; `cached` of the tokens read came from the server's cache."""
        return ((read - cached) * self.input + cached * self.cached + written * self.output) / MILLION


FREE = Price(0.0, 0.0, 0.0)


def price(model: str) -> Price | None:
    """Look a model up by its name or, when it carries a date, by its name without; None when it is unknown."""
    table = _table(home() / "prices.toml")
    return table.get(model) or table.get(_DATED.sub("", model))


@lru_cache(maxsize=4)
def _table(own: Path) -> Mapping[str, Price]:
    paths = [Path(__file__).with_name("prices.toml"), *([own] if own.is_file() else [])]
    return {model: row for path in paths for model, row in _read(path).items()}


def _read(path: Path) -> Mapping[str, Price]:
    try:
        return {str(m): Price(*map(float, row)) for m, row in tomllib.loads(path.read_text("utf-8"))["models"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f'{path}: expected [models] with lines "name" = [input, cached, output] ({error})') from None
