"""Candidates that were read lately."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.types import Candidate
from slotforge.lineage.remembered import Remembered

MOST = 8 << 20  # characters of all sources


class Known(Remembered[Candidate]):
    """Remembers candidates."""

    def __init__(self) -> None:
        super().__init__(MOST, lambda candidate: sum(map(len, candidate.slots.values())))

    def keep(self, values: Mapping[str, Candidate]) -> None:
        """Remember candidates, given by id; what does not fit its id, as in a damaged store, is left out."""
        super().keep({id_: candidate for id_, candidate in values.items() if candidate.id == id_})


known = Known()
