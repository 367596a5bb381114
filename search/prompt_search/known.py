"""The prompts that a run uses: the shipped ones, the best that are known, or variants by their ids or from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slotforge.core.errors import UsageError
from slotforge.core.prompting import SHIPPED, PromptRecord, Sampled, Variant
from slotforge.core.seams import PromptStore
from slotforge.core.types import RunConfig
from slotforge.prompts import variants
from slotforge.prompts.cluster import front

OPTION = "prompts"  # of a run's options: operator -> id of the variant, for those that are not shipped
BEST = "best"


def settle(config: RunConfig, operators: Sequence[str], store: PromptStore) -> RunConfig:
    """Put ids in place of what the user chose, so that a run that is resumed uses the same.

    Raises:
        UsageError: there is no such variant, or the strategy asks for none of its operator.
    """
    chosen = config.options.get(OPTION, SHIPPED)
    options = {name: value for name, value in config.options.items() if name != OPTION}
    if isinstance(chosen, str) and chosen != SHIPPED:
        found = _best(config, operators, store) if chosen == BEST else _named(chosen, store)
        if others := sorted(one.operator for one in found if one.operator not in operators):
            raise UsageError(
                f"the prompt is one for '{others[0]}', and strategy '{config.strategy}' asks for {', '.join(operators)}"
            )
        changed = {one.operator: one.id for one in found if one != variants.shipped(one.operator)}
        options |= {OPTION: changed} if changed else {}
    elif not isinstance(chosen, str):
        options[OPTION] = chosen
    return RunConfig(**{**config.model_dump(), "options": options})


def used(config: RunConfig, store: PromptStore) -> Mapping[str, Variant]:
    """Return the variants that a run uses, by operator."""
    chosen: Any = config.options.get(OPTION, {})
    return {operator: store.variant(id_) for operator, id_ in chosen.items()} if isinstance(chosen, Mapping) else {}


def best(store: PromptStore, domain: str, operator: str, model: str = "") -> tuple[PromptRecord, Sampled] | None:
    """Return the best variant known of an operator, with the search that it is from.

    That is the one of highest score on the front of the newest search; one with the same model comes first, for how
    much answers differ is the merit of prompt and model together. Where a search has sampled its best variant again,
    beside the shipped one, these scores count, for the luck of having been the best of many is not in them.
    """
    records = [record for record in store.searches(domain, operator) if record.sampled]
    records.sort(key=lambda record: record.search.model != model)  # stable: the newest of each stay first
    return (records[0], ranked(records[0])[0]) if records else None


def ranked(record: PromptRecord) -> list[Sampled]:
    """Return the front of a search, best first: of what was sampled again, if anything was."""
    return front_of([one for one in record.sampled if one.again] or record.sampled)


def front_of(sampled: Sequence[Sampled]) -> list[Sampled]:
    """Return the variants that no other one beats in score or cost without losing in the other, best score first."""
    return front(sampled, lambda one: one.figures)


def _best(config: RunConfig, operators: Sequence[str], store: PromptStore) -> list[Variant]:
    found = (best(store, config.domain, operator, config.model) for operator in operators)
    return [pair[1].variant for pair in found if pair]


def _named(chosen: str, store: PromptStore) -> list[Variant]:
    """Read variants from a file, and keep them, or find them by their ids, with commas between them."""
    if not Path(chosen).is_file():
        return [store.variant(ref) for ref in chosen.split(",")]
    found = _read(Path(chosen))
    for one in found:
        store.record_variant(one)
    return found


def _read(path: Path) -> list[Variant]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        pairs = [(str(row["operator"]), dict(row["sections"])) for row in (rows if isinstance(rows, list) else [rows])]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f'{path}: no variants of prompts ({type(error).__name__}): expected {{"operator": ..., "sections": ...}}'
        ) from None
    return [variants.variant(operator, sections) for operator, sections in pairs]
