"""What a run depends on besides its settings: kept with it, and compared where it goes on, for costs and questions."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.errors import SlotforgeError
from slotforge.core.seams import Domain
from slotforge.lineage.records import RunRecord
from slotforge.prompts.render import fingerprint
from slotforge.search import embeddings
from slotforge.search.proposers.offline import NAME as OFFLINE

MEASURED = ("engine", "compiler", "flags")
ASKED = {
    "prompts": "go on with the templates that it began with",
    "embeddings": f"set {embeddings.VARIABLE} as it was",
}


def circumstances(domain: Domain) -> Mapping[str, str]:
    """Describe what measures, and what questions are made with."""
    embedding = embeddings.model()
    asked = {"prompts": fingerprint(), "embeddings": embedding.name if embedding else "none"}
    return {**domain.environment(), **asked}


def go_on(record: RunRecord, now: Mapping[str, str]) -> None:
    """Raise SlotforgeError where a run could not go on as if it had not been interrupted."""
    then = record.environment
    for fact in MEASURED:
        before, today = (facts.get(fact, "unknown") for facts in (then, now))
        if before != today:
            raise SlotforgeError(
                f"run {record.id} was measured with {fact} {before}, and this is {today}: its costs cannot be "
                "compared with new ones, so start a new run"
            )
    if record.config.model == OFFLINE:  # which reads no words
        return
    for fact, advice in ASKED.items():
        if then.get(fact, now[fact]) != now[fact]:
            raise SlotforgeError(
                f"run {record.id} asked with {fact} {then[fact]}, and here it is {now[fact]}: the model would be asked "
                f"something else, so {advice}, or start a new run"
            )
