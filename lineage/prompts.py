"""What is known of prompts: variants, the searches that sampled them, and every completion."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, func, select, update

from slotforge.core import types as core
from slotforge.core.errors import UnknownId
from slotforge.core.prompting import Calls, Figures, PromptRecord, PromptSearch, Sample, Sampled, Variant
from slotforge.lineage import rows, schema
from slotforge.lineage.records import moment
from slotforge.lineage.store import SqlStore
from slotforge.lineage.writer import execute

KNOWN = 100  # candidates of earlier runs that a search for prompts knows for each slot
SHORTEST = 4  # letters of an id that are enough where they fit one alone


class PromptBook:
    """The part of a store that is about prompts; see `core.seams.PromptStore`. What is recorded is safe on return."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def open(self, search: PromptSearch) -> None:
        """Begin a search for prompts, or go on with the one of the same settings, and with what was known then."""
        row = {
            "id": search.id,
            "domain": search.domain,
            "operator": search.operator,
            "config": search.model_dump(mode="json"),
            "changed": time.time(),
        }
        with self.store.writing() as connection:
            execute(connection, [("prompt_search", row)])
            found = schema.PromptSearch
            if connection.scalar(select(found.known).where(found.id == search.id)) is None:
                known = {slot: _tried(connection, search.domain, slot) for slot in search.slots}
                connection.execute(update(found).where(found.id == search.id).values(known=known))

    def record_spending(self, search: str, spending: core.Spending) -> None:
        """Keep what calls without an answer may have cost, over all stretches."""
        row = schema.PromptSearch
        values = {"unanswered_tokens": spending.tokens, "unanswered_usd": spending.usd}
        with self.store.writing() as connection:
            connection.execute(update(row).where(row.id == search).values(values))

    def record_variant(self, variant: Variant) -> None:
        """Keep a variant that no search has sampled."""
        with self.store.writing() as connection:
            execute(connection, [_variant_row(variant)])

    def record_call(self, search: str, number: int, position: int, call: core.Call) -> None:
        """Keep an exchange as soon as it is paid for."""
        place = {"search": search, "number": number, "position": position}
        with self.store.writing() as connection:
            execute(connection, [rows.prompt_row(call.prompt), ("prompt_completion", place | rows.exchanged(call))])

    def calls(self, search: str) -> Calls:
        """Return the exchanges of a search, by number of the variant and position."""
        row, prompt = schema.PromptCompletion, schema.Prompt
        query = select(row.__table__, prompt.messages).join(prompt, prompt.id == row.prompt).where(row.search == search)
        with self.store.reading() as connection:
            return {(f["number"], f["position"]): rows.exchange(f) for f in connection.execute(query).mappings()}

    def record(self, search: str, sampled: Sampled) -> None:
        """Keep a variant that was sampled in full."""
        place = {"search": search, "number": sampled.number}
        own = {"variant": sampled.variant.id, "origin": sampled.origin, "parents": list(sampled.parents)}
        samples = [
            ("prompt_sample", {**place, "position": position, **sample.model_dump()})
            for position, sample in enumerate(sampled.samples)
        ]
        whole = ("prompt_sampled", place | own | sampled.figures.model_dump())
        with self.store.writing() as connection:
            execute(connection, [_variant_row(sampled.variant), whole, *samples])
            found = update(schema.PromptSearch).where(schema.PromptSearch.id == search)
            connection.execute(found.values(changed=time.time()))

    def searches(self, domain: str | None = None, operator: str | None = None) -> Sequence[PromptRecord]:
        """Return the searches for prompts as they stand, the one that changed last first."""
        row = schema.PromptSearch
        query = select(row.__table__)
        for column, wanted in ((row.domain, domain), (row.operator, operator)):
            query = query if wanted is None else query.where(column == wanted)
        with self.store.reading() as connection:
            ordered = query.order_by(row.changed.desc(), row.id)
            return tuple(_record(connection, found) for found in connection.execute(ordered).mappings().all())

    def variant(self, ref: str) -> Variant:
        """Return a variant by its id or the beginning of it; raises UnknownId when that fits none or several."""
        text, row = ref.strip().lower(), schema.PromptVariant
        fits = select(row.__table__).where(row.id >= text, row.id < f"{text}g").limit(2)
        with self.store.reading() as connection:
            found = connection.execute(fits).mappings().all() if len(text) >= SHORTEST else []
        if len(found) != 1:
            what = "fits several" if found else "is none"
            store = self.store.name
            told = f"'{ref}' {what} of the variants of prompts in {store}: see `slotforge prompts --list`"
            raise UnknownId(told, store=store)
        return _variant(found[0])

    def tried(self, search: str, slot: str) -> Sequence[core.Candidate]:
        """Return the candidates that replaced a slot in the last trials of the domain when a search began."""
        row = schema.PromptSearch
        with self.store.reading() as connection:
            found = connection.execute(select(row.domain, row.known).where(row.id == search)).one()
            ids = (found.known or {}).get(slot, ())
            made = rows.candidates(connection, ids, domain=found.domain)
        return tuple(made[id_] for id_ in ids)


def _tried(connection: Connection, domain: str, slot: str) -> list[str]:
    trial, run, replaced = schema.Trial, schema.Run, schema.CandidateSlot
    last = func.max(run.started)
    query = (
        select(replaced.candidate)
        .join(trial, trial.candidate == replaced.candidate)
        .join(run, run.id == trial.run)
        .where(run.domain == domain, replaced.slot == slot, trial.number > 0)
        .group_by(replaced.candidate)
        .order_by(last.desc(), func.max(trial.number).desc(), replaced.candidate)
        .limit(KNOWN)
    )
    return list(connection.scalars(query))


def _variant_row(variant: Variant) -> tuple[str, rows.Row]:
    fields = {"id": variant.id, "operator": variant.operator, "sections": dict(variant.sections)}
    return "prompt_variant", fields


def _variant(row: RowMapping) -> Variant:
    return Variant(operator=row["operator"], sections=row["sections"])


def _record(connection: Connection, found: RowMapping) -> PromptRecord:
    row, call = schema.PromptSampled, schema.PromptCompletion
    variant, one = schema.PromptVariant, schema.PromptSample
    samples: dict[int, list[Sample]] = defaultdict(list)
    of_search = select(one.__table__).where(one.search == found["id"]).order_by(one.number, one.position)
    for sample in connection.execute(of_search).mappings():
        samples[sample["number"]].append(rows.record(Sample, sample))
    query = (
        select(row.__table__, variant.operator, variant.sections)
        .join(variant, variant.id == row.variant)
        .where(row.search == found["id"])
        .order_by(row.number)
    )
    spent = select(
        func.count().label("completions"),
        func.coalesce(func.sum(call.input_tokens + call.output_tokens), 0).label("tokens"),
        func.coalesce(func.sum(call.usd), 0.0).label("usd"),
    ).where(call.search == found["id"])
    figures = connection.execute(spent).mappings().one()
    return PromptRecord(
        search=found["config"],
        sampled=tuple(
            Sampled(
                number=each["number"],
                variant=_variant(each),
                origin=each["origin"],
                parents=each["parents"],
                samples=tuple(samples[each["number"]]),
                figures=Figures(**{name: each[name] for name in Figures.model_fields}),
            )
            for each in connection.execute(query).mappings().all()
        ),
        completions=figures["completions"],
        tokens=figures["tokens"],
        unanswered_tokens=found["unanswered_tokens"] or 0,
        usd=figures["usd"] + (found["unanswered_usd"] or 0.0),
        unanswered_usd=found["unanswered_usd"] or 0.0,
        changed=moment(found["changed"]),
    )
