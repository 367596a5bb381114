"""What a search takes from the command line, and from `slotforge.discover`, unless it is told otherwise.

A `RunConfig` by itself asks for none of it, so that searches can be compared at equal terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TUNE_SHARE = 0.2  # of the proposals, for numbers


def usual(start: str | None) -> Mapping[str, Any]:
    """Return options: a share for numbers, and the library, unless the search is to begin from scratch."""
    return {"tune_share": TUNE_SHARE, **({} if start == "default" else {"library": True})}
