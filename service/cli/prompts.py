"""Search for prompts whose answers differ, compile and are new; or list those that are known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from slotforge.service.cli._names import DOMAINS
from slotforge.service.cli._options import (
    SEED,
    CommaSeparated,
    Money,
    json_option,
    unsafe_option,
)
from slotforge.service.cli._place import Place, place_option, stay

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore


@click.command(name="prompts")
@click.argument("domain", type=click.Choice(DOMAINS), required=False)
@click.option(
    "--operator", default="mutate", show_default=True, help="Whose prompt: see slotforge list strategies --json."
)
@click.option("--slots", type=CommaSeparated(), default=(), help="Slots to ask for. [default: that of most policies]")
@click.option("--model", help="openai:NAME, provider:NAME or replay:FILE; one, and no offline, which reads no prompt.")
@click.option("--base-url", help="Of an OpenAI-compatible server. [default: $OPENAI_BASE_URL]")
@click.option("--run", default="", help="A run whose instances and best candidate the prompts tell of. [default: none]")
@click.option("--samples", default=8, show_default=True, type=click.IntRange(2), help="Completions of each variant.")
@click.option("--completions", default=80, show_default=True, type=click.IntRange(1), help="Completions in all.")
@click.option("--usd", type=Money(), help="Money to spend on the model at most.")
@click.option("--tokens", type=click.IntRange(1), help="Tokens to spend on the model at most.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Another seed, another search.")
@click.option("--list", "listed", is_flag=True, help="List what is known instead, of DOMAIN or of all.")
@click.option("--show", metavar="VARIANT", help="Print the sections of a variant instead.")
@place_option
@unsafe_option
@json_option
def command(domain: str | None, listed: bool, show: str | None, place: Place, as_json: bool, **options: Any) -> None:
    """Search for a better prompt of an operator in DOMAIN, without any solver run.

    Each variant of the prompt is sampled; the score is the entropy of what its answers do, times the share that
    compiles, times the share that is new. The same command goes on where it was interrupted. `slotforge discover
    --prompts best` uses what it finds.
    """
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._prompts import print_list, print_variant

    if listed or show:
        with place.open() as source:
            if show:
                print_variant(source.prompt(show), as_json=as_json)
            else:
                print_list(source.prompts(domain), source.name, as_json=as_json)
        return
    stay("prompts DOMAIN", click.get_current_context().find_root().params.get("server"))
    if domain is None or not options["model"]:
        raise click.UsageError("give DOMAIN and --model to search, or --list")
    with open_store(place.store) as store:
        _search(store, domain, as_json=as_json, **options)


def _search(store: SqlStore, domain: str, *, as_json: bool, **options: Any) -> None:
    from slotforge.core.errors import ModelError
    from slotforge.core.prompting import PromptSearch
    from slotforge.core.types import Budget
    from slotforge.search import worker
    from slotforge.search.prompt_search.job import PromptJob
    from slotforge.service.cli._driver import available_cores
    from slotforge.service.cli._progress import watching
    from slotforge.service.cli._prompts import print_search

    budget = Budget(usd=options.pop("usd"), tokens=options.pop("tokens"))
    completions, known = options.pop("completions"), worker.domain(domain).slots()
    options["slots"] = options["slots"] or (max(known, key=lambda name: len(known[name].variants)),)
    search = PromptSearch(domain=domain, **options)
    with watching() as observer:
        job = PromptJob(
            search=search,
            completions=completions,
            store=store,
            budget=budget,
            observer=observer,
            workers=available_cores(),
        )
        try:
            record = job.run()
        except ModelError as error:
            raise ModelError(f"{error}; what was answered is kept: mend that, then the same command goes on") from None
        except KeyboardInterrupt:
            print("interrupted; the same command goes on", file=sys.stderr)
            sys.exit(130)
        observer.note(job.stopped)
    print_search(record, as_json=as_json)
