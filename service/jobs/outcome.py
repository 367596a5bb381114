"""What comes of a confirmation, as a document: who was compared, the fields of the verdict, and controls beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotforge.core.comparison import Verdict
from slotforge.core.types import Record
from slotforge.search.report import Control


class Outcome(Record):
    """The verdict of a confirmation, and what its candidate must be held against."""

    verdict: Verdict
    controls: Mapping[str, Control] = {}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Outcome:
        """Read what `document` has written."""
        fields = {name: document[name] for name in Verdict.model_fields if name in document}
        return cls.model_validate({"verdict": fields, "controls": document.get("controls", {})})

    def document(self, candidate: str, against: str) -> dict[str, Any]:
        """Write the document."""
        told = self.model_dump(mode="json")
        return {"candidate": candidate, "against": against, **told["verdict"], "controls": told["controls"]}
