"""Freeze what is known of each case: the best tuned specialist, its calls, the goal and the budget.

    python -m slotforge.solvers.optim.freeze [FAMILY ...] [--problems 16]

For each case that a split of a family holds, every contender (the family's specialists and a few rules for anything) is
tuned with the trials of a verdict: first on 3 problems, then the best of them on 16. The specialist is the one that
reaches the goal on most of these, with the lowest median of calls. The budget is 8 times that. Where no optimum is
known, the goal comes first: the median over problems of what AdamW, tuned with as many trials, reaches within the
family's budget. Goals, budgets and calls are kept in `targets.json`; families that are not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.pool import Pool
from statistics import median
from typing import Any

from slotforge.core import registry
from slotforge.core.ids import content_id
from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.instances import Problem
from slotforge.solvers.optim.measure import Contest
from slotforge.solvers.optim.problems._family import Family

PROBLEMS = 16
HEATS = 3  # problems of the first round
FINALISTS = 3  # contenders of the second
ANYONE = ("sgd", "heavy_ball", "adam")
TEACHER = "adamw"
UNREACHABLE = 1e-9  # above the floor: with this goal a run goes on to its budget

Calls = dict[str, list[float]]  # by case, one for each problem, infinite where the goal was missed


def main(arguments: Sequence[str] | None = None) -> None:
    """Freeze the cases of some families, or of all; a family is kept as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", default=list(registry.names(case.PROBLEMS)))
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    with multiprocessing.get_context("spawn").Pool(asked.workers) as pool:
        for name in asked.families:
            family = case.family(name)
            keys = [case.key(knobs) for knobs in cases(family)]
            goals = dict.fromkeys(keys, family.goal)
            if family.learned:
                goals = dict(pool.starmap(_goal, [(name, knobs, asked.problems) for knobs in cases(family)]))
            limits = dict.fromkeys(keys, float(family.budget))
            heats = _round(pool, name, contenders(family), goals, limits, HEATS)
            best = [min(median(told[key]) for told in heats.values()) for key in keys]
            limits = {
                key: min(2.0 * family.budget, case.PATIENCE * calls) for key, calls in zip(keys, best, strict=True)
            }
            found = _round(pool, name, finalists(heats, keys), goals, limits, asked.problems)
            keep(name, {key: _facts(family, goals[key], {r: f[key] for r, f in found.items()}) for key in keys})
            print(f"{name}: {len(keys)} cases", file=sys.stderr, flush=True)


def cases(family: Family) -> Iterator[dict[str, float]]:
    """List the settings of knobs that some split holds, each once."""
    settings = [knobs for split in family.splits.values() for knobs in split]
    known = {case.key({**family.knobs, **knobs}): {**family.knobs, **knobs} for knobs in settings}
    yield from known.values()


def contenders(family: Family) -> list[str]:
    """Name the rules that compete for a family."""
    return list(dict.fromkeys((*family.specialists, *(ANYONE if family.role == "step" else ()))))


def keep(name: str, facts: dict[str, Any]) -> None:
    """Write a family into the data file."""
    told = json.loads(case.TARGETS.read_text(encoding="utf-8")) if case.TARGETS.exists() else {"cases": {}}
    told["made by"] = "python -m slotforge.solvers.optim.freeze"
    told["cases"] = dict(sorted({**told["cases"], name: facts}.items()))
    case.TARGETS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _facts(family: Family, goal: float, found: Calls) -> dict[str, Any]:
    """Judge the contenders of a case, given the calls of each."""
    order = sorted(found, key=lambda ref: (sum(map(math.isinf, found[ref])), median(found[ref])))
    best = [ref for ref in order if math.isfinite(median(found[ref]))]
    calls = median(found[best[0]]) if best else None
    return {
        "specialists": best[:3] or list(family.specialists),
        "goal": goal,
        "budget": math.ceil(case.PATIENCE * calls) if calls else family.budget,
        "calls": calls,
        "reached": {ref: sum(map(math.isfinite, found[ref])) for ref in order},
        "medians": {ref: median(found[ref]) for ref in best},
        "problems": len(found[order[0]]),
    }


def finalists(heats: Mapping[str, Calls], keys: Sequence[str]) -> list[str]:
    """Choose the rules that are among the best of some case."""
    chosen: dict[str, None] = {}
    for key in keys:
        order = sorted(heats, key=lambda ref: median(heats[ref][key]))
        chosen |= dict.fromkeys(order[:FINALISTS])
    return list(chosen)


def _round(
    pool: Pool, name: str, rules: Sequence[str], goals: Mapping[str, float], limits: Mapping[str, float], count: int
) -> dict[str, Calls]:
    settings = {case.key(knobs): knobs for knobs in cases(case.family(name))}
    jobs = [(name, ref, settings[key], goals[key], limits[key], count) for ref in rules for key in goals]
    calls = iter(pool.starmap(_compete, jobs, chunksize=1))
    return {ref: {key: next(calls) for key in goals} for ref in rules}


def _compete(name: str, ref: str, knobs: dict[str, float], goal: float, limit: float, count: int) -> list[float]:
    """Tune a contender on the problems of a case."""
    return [_calls(ref, one, goal, limit) for one in problems(name, knobs, count)]


def problems(name: str, knobs: dict[str, float], count: int) -> list[Problem]:
    """Draw the problems of a case, which no search draws."""
    seeds = [int(content_id(["freeze", name, knobs, place], length=12), 16) for place in range(count)]
    return [Problem(family=name, knobs=knobs, seed=seed) for seed in seeds]


def _calls(ref: str, problem: Problem, goal: float, limit: float) -> float:
    contest = _contest(ref, problem, goal, limit)
    return math.inf if contest.broken else float(contest.calls[-1])


def _contest(ref: str, problem: Problem, goal: float, limit: float) -> Contest:
    sources = builtin.contender(ref)
    contest = Contest(
        candidate=Candidate(domain="optim", slots=sources),
        sources=sources,
        problem=problem,
        seed=0,
        fused=True,
        limit=limit,
    )
    contest.case = contest.case.model_copy(update={"goal": goal})
    contest.run()
    return contest


def _goal(name: str, knobs: dict[str, float], count: int) -> tuple[str, float]:
    """Find what the tuned teacher reaches within the family's budget, the median over problems."""
    family = case.family(name)
    reached = [
        _contest(TEACHER, problem, family.floor + UNREACHABLE, family.budget).least
        for problem in problems(name, knobs, count)
    ]
    return case.key(knobs), float(f"{median(reached):.4g}")


if __name__ == "__main__":
    main()
