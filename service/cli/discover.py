"""Search for better heuristics of a solver on given instances; ends with a verdict on unseen ones."""

from __future__ import annotations

from typing import Any

import click

from slotforge.search import settings
from slotforge.service.cli._names import DOMAINS
from slotforge.service.cli._options import (
    LIMIT,
    SEED,
    CommaSeparated,
    Duration,
    Money,
    Share,
    instances_option,
    json_option,
    names_of,
    per_family_option,
    sandbox_level_option,
    unsafe_option,
)
from slotforge.service.cli._place import Place, place_option


@click.command(name="discover")
@click.argument("domain", type=click.Choice(DOMAINS))
@instances_option
@click.option("--slots", type=CommaSeparated(), default=(), help="Slots to search over. [default: all]")
@click.option(
    "--strategy",
    default="one_plus_lambda",
    show_default=True,
    shell_complete=names_of("slotforge.search.strategies"),
    help="See: slotforge list strategies.",
)
@click.option(
    "--model",
    default="offline",
    show_default=True,
    help="offline, openai:NAME, provider:NAME, replay:FILE or RUN; several with commas.",
)
@click.option("--base-url", help="Of an OpenAI-compatible server. [default: $OPENAI_BASE_URL]")
@click.option(
    "--answers",
    type=click.Choice(("fences", "json")),
    default="fences",
    show_default=True,
    help="Form of the model's answers: prose and fenced code, or a JSON object.",
)
@click.option(
    "--when-down",
    type=click.Choice(("stop", "wait", "offline")),
    default="stop",
    show_default=True,
    help="When the model's server is down: stop, to be resumed; wait until it answers; or vary code offline meanwhile.",
)
@click.option("--evals", type=click.IntRange(1), help="Proposals to try. [default: 100 where nothing else ends it]")
@click.option(
    "--time",
    "time_s",
    type=Duration(positive=True),
    help="Time to search, such as 10m; the verdict comes after it.",
)
@click.option("--usd", type=Money(), help="Money to spend on the model at most.")
@click.option("--tokens", type=click.IntRange(1), help="Tokens to spend on the model at most.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Equal seeds, equal searches.")
@click.option("--workers", type=click.IntRange(1), help="Measurements at once. [default: number of cores]")
@click.option(
    "--window",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="Proposals under way at once; four for each worker keep all busy. Part of what a seed decides.",
)
@click.option(
    "--executor",
    default="process",
    show_default=True,
    shell_complete=names_of("slotforge.search.executors"),
    help="See: slotforge list executors.",
)
@click.option(
    "--start",
    type=click.Choice(("builtins", "default")),
    default="builtins",
    show_default=True,
    help="Begin from the best policies of the literature, which are raced first, or from the plain default.",
)
@click.option(
    "--tune-share",
    type=Share(0, 1, max_open=True),
    default=settings.TUNE_SHARE,
    show_default=True,
    help="Share of the proposals that tunes the numbers of the best instead; 0 is none.",
)
@click.option(
    "--library/--no-library",
    default=None,
    help="Race first what earlier runs have confirmed on similar families. [default: unless --start default]",
)
@click.option(
    "--tuned-baseline/--no-tuned-baseline",
    default=True,
    show_default=True,
    help="Hold the winner against the solver as it ships with its numbers tuned at the same number of evaluations.",
)
@click.option(
    "--prompts",
    default="shipped",
    show_default=True,
    metavar="CHOICE",
    help="shipped, best (the best known, see: slotforge prompts --list), ids of variants, or a JSON file of some.",
)
@click.option(
    "--novelty",
    type=Share(0, 1, min_open=True),
    help="Refuse code that is so much like what was measured and lost, such as 0.95. [default: refuse copies alone]",
)
@per_family_option
@click.option("--limit", type=LIMIT, help="Cost (ticks, oracle calls) at which a run is cut. [default: the domain's]")
@place_option
@unsafe_option
@sandbox_level_option
@json_option
def command(as_json: bool, place: Place, **options: Any) -> None:
    """Search for better heuristics of DOMAIN.

    Instances are split by content: candidates are scored on one part, the winner is chosen on a second, and the
    verdict comes from a third that nothing has seen. Ctrl-C stops cleanly; `slotforge resume RUN` goes on.
    """
    from slotforge.core.types import Budget, RunConfig

    limits = {name: options.pop(name) for name in ("evals", "time_s", "usd", "tokens")}
    names = ("per_family", "limit", "novelty", "library", "tune_share", "tuned_baseline", *settings.USUAL)
    extra = settings.options(**{name: options.pop(name) for name in names})
    with place.open(new=True) as source:
        workers = options.pop("workers") or source.workers
        config = RunConfig(**options, workers=workers, budget=Budget(**limits), options=extra)
        if workers > config.window:
            click.echo(
                f"at most {config.window} of {workers} workers are busy at once: try --window {4 * workers}", err=True
            )
        source.search(config, as_json=as_json)
