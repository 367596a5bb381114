"""Variants of prompts and what became of them: records that may cross a file or the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import Field

from slotforge.core.ids import content_id
from slotforge.core.types import Call, Record

MAX_SECTION = 2_000  # characters of a section

SHIPPED = "shipped"  # how the variant came about that the templates hold
AGAIN = 1_000_000  # variants from this number on were sampled a second time, to be compared without luck


class Variant(Record):
    """Texts in place of the sections of an operator's prompts that may vary.

    sections: name -> text; all that may vary, so that a variant says what it is, whatever the templates become.
    """

    operator: str
    sections: Mapping[str, Annotated[str, Field(max_length=MAX_SECTION)]]

    @cached_property
    def id(self) -> str:
        """Identity by content."""
        return content_id({"operator": self.operator, "sections": dict(self.sections)})


class PromptSearch(Record):
    """Everything that defines a search for prompts; the same again goes on with it, so no budget is part of it.

    slots: for which code is asked, in turns.
    base_url: of the model's server.
    samples: completions of each variant.
    run: whose instances and best candidate the prompts tell of; empty is none.
    features: by what the surrogate compares variants.
    frame: names what stands around the sections: templates, and what the domain tells.
    """

    domain: str
    operator: str
    slots: tuple[str, ...]
    model: str
    base_url: str | None = None
    samples: int = 8
    seed: int = 0
    run: str = ""
    features: str = "tokens"
    frame: str = ""

    @cached_property
    def id(self) -> str:
        """Identity by content."""
        return content_id(self.model_dump(mode="json"), length=10)


class Sample(Record):
    """What came of one completion.

    reason: why there is no code that can be built; empty when there is.
    cluster: the same for code that must behave the same; empty without code.
    novel: whether nothing known behaves so.
    tokens, usd: that it cost.
    """

    slot: str
    reason: str = ""
    cluster: str = ""
    novel: bool = False
    tokens: int = 0
    usd: float = 0.0

    @property
    def built(self) -> bool:
        """Whether there is code that can be built."""
        return not self.reason


class Figures(Record):
    """How good a variant is, without any solver run.

    clusters: of completions that behave alike.
    entropy: over the clusters, in nats; the mean over the slots.
    compile_rate: share of the completions that hold code that can be built.
    novelty: share of the clusters that nothing known belongs to.
    score: the product of the three.
    tokens, usd: that a completion costs, in the mean.
    """

    samples: int
    clusters: int
    entropy: float
    compile_rate: float
    novelty: float
    score: float
    tokens: float
    usd: float


class Sampled(Record):
    """A variant of a search for prompts, with its samples.

    number: position in its search; `AGAIN` more where it was sampled a second time.
    origin: how it came about: shipped, rewritten, recombined or edited.
    parents: ids of the variants that it was made from.
    """

    number: int
    variant: Variant
    origin: str
    parents: tuple[str, ...] = ()
    samples: tuple[Sample, ...]
    figures: Figures

    @property
    def again(self) -> bool:
        """Whether this is a second look at a variant."""
        return self.number >= AGAIN


class PromptRecord(Record):
    """A search for prompts as it stands.

    sampled: the variants, in their order.
    completions, tokens, usd: all that it took, also where a variant is not complete.
    unanswered_tokens, unanswered_usd: that calls without an answer may have cost; usd contains them, tokens does not.
    changed: when a variant was sampled last, or when it began.
    """

    search: PromptSearch
    sampled: tuple[Sampled, ...]
    completions: int
    tokens: int
    usd: float
    unanswered_tokens: int = 0
    unanswered_usd: float = 0.0
    changed: datetime


Calls = Mapping[tuple[int, int], Call]
"""Exchanges of a search for prompts, by number of the variant and position; at position 0 the variant was written."""
