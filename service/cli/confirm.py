"""Measure a candidate again on instances that its search has not seen; ends with a verdict."""

from __future__ import annotations

import click

from slotforge.service.cli._options import (
    LIMIT,
    SEED,
    instances_option,
    json_option,
    per_family_option,
    store_option,
    unsafe_option,
)


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
@click.option("--workers", type=click.IntRange(1), help="Measurements at once. [default: number of cores]")
@store_option
@unsafe_option
@json_option
def command(
    candidate: str,
    against: str,
    instances: tuple[str, ...],
    seed: int,
    per_family: int | None,
    twins: bool,
    seeds: int,
    limit: int | None,
    workers: int | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Hold CANDIDATE (an id, the beginning of one, or a heuristics file) against the baseline or another candidate.

    Both run side by side as deployment builds, and every answer is verified. Instances that the candidate was scored
    or chosen on are left out. A candidate that gives a wrong answer, or fails where the other does not, is refuted:
    exit code 1.
    """
    from slotforge.lineage.store import open_store
    from slotforge.search.confirm import Confirmation
    from slotforge.service.cli._console import stdout
    from slotforge.service.cli._driver import available_cores
    from slotforge.service.cli._json import print_json
    from slotforge.service.cli._progress import watching
    from slotforge.service.cli._refs import resolve_pair
    from slotforge.service.cli._report import terms_of
    from slotforge.service.cli._verdict import print_verdict

    with open_store(store) as opened:
        one, other = resolve_pair(candidate, against, opened)
        with watching() as observer:
            verdict = Confirmation(
                candidate=one,
                against=other,
                specs=instances,
                seed=seed,
                per_family=per_family,
                twins=twins,
                seeds=seeds,
                limit=limit,
                workers=workers or available_cores(),
                observer=observer,
            ).run(opened)
    if as_json:
        print_json({"candidate": one.id, "against": other.id, **verdict.model_dump(mode="json")})
        return
    title = f"cost of {one.id} as a share of that of {against if other.slots else 'the baseline'} (below 1 is faster)"
    print_verdict(stdout(), verdict, terms_of(one.domain), title=title)
