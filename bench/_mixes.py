"""What is asked of the service under load: kinds of requests, how often each comes, and their paths."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from slotforge.bench._filled import FAMILY, SLOTS

Ask = Callable[[str], Any]  # gives the JSON that answers a path
Plan = Sequence[tuple[str, str]]  # kind and path of each request

PAGE = "page: "  # how kinds begin that a browser asks for
SPARSE = 10  # of so many runs one is that whose trials are turned, and compared
TURNS = 3  # pages of a list that are turned to
DEEP = "depth=200&size=400"
WORDS = ("urgency", "lbd_slow", "fades with time")  # in every source
MIXES: Mapping[str, Mapping[str, int]] = {
    "people": {
        "list of runs": 8,
        "further runs": 3,
        "run": 15,
        "trials of a run": 6,
        "further trials of a run": 4,
        "curve of a run": 9,
        "best of a domain": 9,
        "further of the best": 2,
        "heuristics by slot": 4,
        "heuristics by family": 4,
        "heuristics by words": 1,
        "candidate": 13,
        "trials of a candidate": 3,
        "lineage of 200 generations": 3,
        "comparison": 1,
        "health": 5,
        PAGE + "runs": 2,
        PAGE + "run": 2,
        PAGE + "candidate": 2,
        PAGE + "lineage": 1,
        PAGE + "comparison": 1,
        PAGE + "library": 1,
        PAGE + "library, by words": 1,
    },
    "programs": {
        "list of runs": 9,
        "further runs": 3,
        "run": 18,
        "trials of a run": 8,
        "further trials of a run": 4,
        "curve of a run": 10,
        "best of a domain": 10,
        "heuristics by slot": 5,
        "heuristics by family": 5,
        "candidate": 14,
        "trials of a candidate": 5,
        "lineage": 4,
        "health": 5,
    },
}
"""Weights, of a hundred: what programs ask, and that with what is dear, and with the pages that people look at."""


def plan(mix: str, facts: Mapping[str, Any], count: int, rng: random.Random, ask: Ask) -> Plan:
    """Draw so many requests of a mix.

    Args:
        facts: of the store that is asked; see `filled`.
        ask: finds the pages of lists after the first.
    """
    paths, weights = _paths(facts, rng, ask), MIXES[mix]
    return [(kind, paths[kind]()) for kind in rng.choices(list(weights), list(weights.values()), k=count)]


def _paths(facts: Mapping[str, Any], rng: random.Random, ask: Ask) -> Mapping[str, Callable[[], str]]:
    """Give for each kind what makes the next path."""
    runs, some, deep = facts["runs"], facts["some"], list(facts["deep"])
    families, one = sorted(set(FAMILY.values())), rng.choice
    further = {kind: _further(firsts, ask) for kind, firsts in _lists(runs).items()}

    tried = [found for run in runs[::SPARSE] if len(found := _scored(run, ask)) > 1]

    def pair() -> list[str]:
        return rng.sample(one(tried), 2)

    def words() -> str:
        """Choose some that are in every source, or in few: one search in two looks through all that it may."""
        return one((one(WORDS), f"number {rng.randrange(1_000)} of"))

    return {
        **{kind: lambda paths=paths: one(paths) for kind, paths in further.items()},  # type: ignore[misc]
        "list of runs": lambda: "/v1/runs?limit=50",
        "run": lambda: f"/v1/runs/{one(runs)}",
        "trials of a run": lambda: f"/v1/runs/{one(runs)}/trials?limit=50",
        "curve of a run": lambda: f"/v1/runs/{one(runs)}/curve",
        "best of a domain": lambda: f"/v1/heuristics?domain={one(('sat', 'optim'))}&limit=20",
        "heuristics by slot": lambda: f"/v1/heuristics?domain=sat&slot={one(SLOTS)}&limit=20",
        "heuristics by family": lambda: f"/v1/heuristics?family={one(families)}&limit=20",
        "heuristics by words": lambda: f"/v1/heuristics?{urlencode({'text': words()})}&limit=20",
        "candidate": lambda: f"/v1/candidates/{one(some)}",
        "trials of a candidate": lambda: f"/v1/candidates/{one(some)}/trials",
        "lineage": lambda: f"/v1/candidates/{one(deep)}/lineage",
        "lineage of 200 generations": lambda: f"/v1/candidates/{one(deep)}/lineage?{DEEP}",
        "comparison": lambda: "/v1/candidates/{}/compare/{}".format(*pair()),
        "health": lambda: "/health",
        PAGE + "runs": lambda: "/",
        PAGE + "run": lambda: f"/runs/{one(runs)}",
        PAGE + "candidate": lambda: f"/candidates/{one(some)}",
        PAGE + "lineage": lambda: f"/candidates/{one(deep)}/lineage",
        PAGE + "comparison": lambda: "/compare?a={}&b={}".format(*pair()),
        PAGE + "library": lambda: f"/library?domain=sat&slot={one(SLOTS)}",
        PAGE + "library, by words": lambda: f"/library?{urlencode({'q': words()})}",
    }


def _lists(runs: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Name the lists whose pages are turned, by the first page of each."""
    return {
        "further runs": ["/v1/runs?limit=50"],
        "further trials of a run": [f"/v1/runs/{run}/trials?limit=50" for run in runs[::SPARSE]],
        "further of the best": [f"/v1/heuristics?domain={domain}&limit=100" for domain in ("sat", "optim")],
    }


def _scored(run: str, ask: Ask) -> list[str]:
    """Return candidates that a run has scored: they were measured on the same instances."""
    found = ask(f"/v1/runs/{run}/trials?state=scored&limit=50")["items"]
    return sorted({one["candidate"] for one in found if one["candidate"]})


def _further(firsts: Sequence[str], ask: Ask) -> Sequence[str]:
    """Return the paths of the pages after the first; short lists have that one alone."""
    return [path for first in firsts for path in _turned(first, ask)] or firsts


def _turned(first: str, ask: Ask) -> Iterator[str]:
    path = first
    for _ in range(TURNS):
        if (cursor := ask(path)["next"]) is None:
            return
        yield (path := f"{first}&cursor={cursor}")
