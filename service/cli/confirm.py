"""Measure a candidate again on instances that its search has not seen; ends with a verdict."""

from __future__ import annotations

from typing import Any

import click

from slotforge.service.cli._options import (
    LIMIT,
    SEED,
    instances_option,
    json_option,
    per_family_option,
    unsafe_option,
)
from slotforge.service.cli._place import Place, place_option


@click.command(name="confirm")
@click.argument("candidate")
@click.option("--against", default="baseline", show_default=True, help="What to compare to: as for CANDIDATE.")
@instances_option
@click.option("--seed", default=1000, show_default=True, type=SEED, help="Another seed generates other instances.")
@per_family_option
@click.option(
    "--twins",
    is_flag=True,
    help="Measure on shuffled twins: variables renamed and flipped, clauses permuted; tells whether a heuristic has "
    "learned names.",
)
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1), help="Runs of each instance.")
@click.option("--limit", type=LIMIT, help="Cost at which a run is cut. [default: the domain's]")
@click.option(
    "--tuned-baseline/--no-tuned-baseline",
    default=True,
    show_default=True,
    help="Measure the tuned baseline of the candidate's search as well, where it had one.",
)
@click.option("--workers", type=click.IntRange(1), help="Measurements at once. [default: number of cores]")
@place_option
@unsafe_option
@json_option
def command(candidate: str, against: str, place: Place, as_json: bool, **options: Any) -> None:
    """Hold CANDIDATE (an id, the beginning of one, or a heuristics file) against the baseline or another candidate.

    Both run side by side as deployment builds, and every answer is verified. Instances that the candidate was scored
    or chosen on are left out. A candidate that gives a wrong answer, or fails where the other does not, is refuted:
    exit code 1.
    """
    from slotforge.service.cli._console import stdout
    from slotforge.service.cli._json import print_json
    from slotforge.service.cli._report import terms_of
    from slotforge.service.cli._verdict import print_verdict
    from slotforge.service.jobs.queue import ConfirmConfig

    with place.open(new=True) as source:
        workers = options.pop("workers") or source.workers
        found = source.confirm(ConfirmConfig(candidate=candidate, against=against, workers=workers, **options))
    one, other = found.candidate, found.against
    if as_json:
        print_json(found.outcome.document(one.id, other.id))
        return
    title = f"cost of {one.id} as a share of that of {against if other.slots else 'the baseline'} (below 1 is better)"
    outcome = found.outcome
    print_verdict(stdout(), outcome.verdict, terms_of(one.domain), title=title, controls=outcome.controls)
