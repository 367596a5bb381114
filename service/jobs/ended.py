"""How the process of a job leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slotforge.lineage.jobs import State

if TYPE_CHECKING:
    from slotforge.core.comparison import Held


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job is left: see `Queue.release`."""

    state: State
    why: str = ""
    result: Mapping[str, Any] | None = None
    run: str | None = None
    verdicts: tuple[Held, ...] = ()
