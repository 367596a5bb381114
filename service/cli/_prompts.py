"""Prompts, shown: the variants of a search, the best of all searches, or one variant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape

from slotforge.core.prompting import SHIPPED, PromptRecord, Sampled
from slotforge.search.prompt_search.known import front_of, ranked
from slotforge.service.cli._console import moment, print_table, stdout
from slotforge.service.cli._json import print_json
from slotforge.service.views.prompts import VariantView, best_of

COLUMNS = ("variant", "came about", "kinds", "entropy", "compile", "novel", "score", "tokens", "USD", "front")
LISTED = ("variant", "domain", "operator", "slots", "model", "score", "shipped", "completions", "sampled")
SHORT = 8  # letters of an id of a parent


def print_search(record: PromptRecord, *, as_json: bool) -> None:
    """Print the variants of a search, best score first, and which is best."""
    best, front = ranked(record)[:1], {one.number for one in front_of([s for s in record.sampled if not s.again])}
    if as_json:
        return print_json(_document(record))
    console = stdout()
    rows = [_row(one, one.number in front) for one in sorted(record.sampled, key=lambda s: -s.figures.score)]
    if rows:
        print_table(console, COLUMNS, rows, numbers=COLUMNS[2:9])
    spent = f"{record.completions} completions, {record.tokens} tokens, {record.usd:.4f} USD"
    console.print(f"{spent}, {record.search.samples} of each variant", style="dim")
    if record.sampled:
        most = f"{math.log(record.search.samples):.3f}"
        console.print(f"a score is at most {most}, where all answers differ, compile and are new", style="dim")
    for one in best:
        if one.origin == SHIPPED:
            console.print(f"best: {one.variant.id}, the shipped prompt, which was not beaten: it is what searches use")
            continue
        console.print(f"best: {one.variant.id}; read it with `slotforge prompts --show {one.variant.id}`, use it with")
        console.print(f"  slotforge discover {record.search.domain} --prompts best ...", style="bold")
    return None


def _row(one: Sampled, on_front: bool) -> tuple[str, ...]:
    f = one.figures
    origin = f"{one.origin} from {', '.join(id_[:SHORT] for id_ in one.parents)}" if one.parents else one.origin
    return (
        f"[bold]{one.variant.id}[/]",
        f"{origin}, again" if one.again else origin,
        str(f.clusters),
        f"{f.entropy:.3f}",
        f"{f.compile_rate:.2f}",
        f"{f.novelty:.2f}",
        f"{f.score:.3f}",
        f"{f.tokens:.0f}",
        f"{f.usd:.4f}",
        "*" if on_front else "",
    )


def _document(record: PromptRecord) -> dict[str, Any]:
    """Return a search as it is printed with --json."""
    front = {one.number for one in front_of([one for one in record.sampled if not one.again])}
    return {
        "search": record.search.id,
        **record.search.model_dump(mode="json"),
        **{name: getattr(record, name) for name in ("completions", "tokens", "usd")},
        "best": next((one.variant.id for one in ranked(record)), None),
        "variants": [
            {
                "id": one.variant.id,
                "sections": dict(one.variant.sections),
                "front": one.number in front,
                "again": one.again,
                **one.model_dump(mode="json", include={"number", "origin", "parents", "samples", "figures"}),
            }
            for one in record.sampled
        ],
    }


def print_list(records: Sequence[PromptRecord], name: str, *, as_json: bool) -> None:
    """Print the searches that are known, each with its best variant.

    Args:
        records: the newest first.
        name: of the store.
        as_json: print one JSON document with all variants.
    """
    if as_json:
        return print_json([_document(record) for record in records])
    rows = [
        (
            f"[bold]{one.variant}[/]",
            *(one.domain, one.operator, ", ".join(one.slots), escape(one.model)),
            *(f"{one.score:.3f}", f"{one.shipped:.3f}", str(one.completions), moment(one.changed)),
        )
        for one in best_of(records)
    ]
    if rows:
        print_table(stdout(), LISTED, rows, numbers=("score", "shipped", "completions"), texts=("slots", "model"))
    else:
        click.echo(f"no prompts in {name}: search with `slotforge prompts DOMAIN --model SPEC`", err=True)
    return None


def print_variant(found: VariantView, *, as_json: bool) -> None:
    """Print the sections of a variant."""
    if as_json:
        return print_json(found)
    click.echo(f"variant {found.id} of the prompt for {found.operator}")
    for name, text in found.sections.items():
        click.echo(f"\n=== {name} ===\n{text}")
    return None
