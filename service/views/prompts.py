"""The prompts that are known, each as the best of a search for prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from slotforge.core.prompting import PromptRecord, Sampled
from slotforge.core.types import Record
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.store import SqlStore
from slotforge.search.prompt_search.known import ranked


class PromptLine(Record):
    """The best variant that a search for prompts has found.

    score: entropy of what its answers do, times the shares that compile and are new; shipped: that of the prompt that
        slotforge comes with, sampled beside it.
    completions: of the whole search.
    changed: when the search got on last.
    """

    variant: str
    search: str
    domain: str
    operator: str
    slots: tuple[str, ...]
    model: str
    score: float
    shipped: float
    completions: int
    changed: datetime


class VariantView(Record):
    """A variant of an operator's prompt: texts in place of its sections."""

    id: str
    operator: str
    sections: Mapping[str, str]


def prompts(store: SqlStore, domain: str | None = None, operator: str | None = None) -> tuple[PromptLine, ...]:
    """List the best prompts that are known, the search that got on last first; one that has found nothing is left out.

    Args:
        domain: only of this one; None is all.
        operator: likewise.
    """
    return best_of(PromptBook(store).searches(domain, operator))


def best_of(records: Sequence[PromptRecord]) -> tuple[PromptLine, ...]:
    """Take the best variant of each search that has any."""
    return tuple(_line(record) for record in records if record.sampled)


def variant(store: SqlStore, ref: str) -> VariantView:
    """Return a variant by its id or the beginning of it; raises UnknownId when that fits none or several."""
    found = PromptBook(store).variant(ref)
    return VariantView(id=found.id, operator=found.operator, sections=found.sections)


def _line(record: PromptRecord) -> PromptLine:
    best, search = ranked(record)[0], record.search
    return PromptLine(
        variant=best.variant.id,
        search=search.id,
        domain=search.domain,
        operator=search.operator,
        slots=search.slots,
        model=search.model,
        score=best.figures.score,
        shipped=_shipped(record).figures.score,
        completions=record.completions,
        changed=record.changed,
    )


def _shipped(record: PromptRecord) -> Sampled:
    """Return the shipped variant of a search: as it was sampled again beside the best, if it was."""
    first = record.sampled[0]
    return next((one for one in record.sampled if one.again and one.variant == first.variant), first)
