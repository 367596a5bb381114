"""Freeze what is known of each case: the best tuned specialist, its calls, the goal and the budget.

    python -m slotforge.solvers.optim.freeze [FAMILY ...] [--problems 16]

For each case that a split of a family holds, every contender (the family's specialists and a few rules for anything) is
tuned with the trials of a verdict on 16 problems. The best is the one that reaches the goal on most of them, with the
lowest median of calls. The budget is 8 times that. Where no optimum is known, the goal comes first: the median over
problems of what AdamW, tuned with as many trials, reaches within the family's budget. Goals, budgets and calls are kept
in `targets.json`; families that are not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
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
ROOM = 4  # times the family's own budget for those that compete
ANYONE = ("sgd", "heavy_ball", "adam")
TEACHER = "adamw"
HALVINGS = 12  # of the range in which the teacher's goal lies

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
            rules = contenders(family)
            found = pool.starmap(_compete, [(name, ref, goals, asked.problems) for ref in rules], chunksize=1)
            keep(
                name,
                {
                    key: _facts(family, goals[key], {r: f[key] for r, f in zip(rules, found, strict=True)})
                    for key in keys
                },
            )
            print(f"{name}: {len(keys)} cases", file=sys.stderr, flush=True)


def cases(family: Family) -> Iterator[dict[str, float]]:
    """List the settings of knobs that some split holds, each once, the canonical one first."""
    settings = [{}, *(knobs for split in family.splits.values() for knobs in split)]
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


def _compete(name: str, ref: str, goals: Mapping[str, float], count: int) -> Calls:
    """Tune a rule on the problems of every case of a family."""
    return {
        case.key(knobs): [_calls(ref, problem, goals[case.key(knobs)]) for problem in problems(name, knobs, count)]
        for knobs in cases(case.family(name))
    }


def problems(name: str, knobs: dict[str, float], count: int) -> list[Problem]:
    """Draw the problems of a case, which no search draws."""
    seeds = [int(content_id(["freeze", name, knobs, place], length=12), 16) for place in range(count)]
    return [Problem(family=name, knobs=knobs, seed=seed) for seed in seeds]


def _calls(ref: str, problem: Problem, goal: float) -> float:
    sources = builtin.named(ref)
    contest = Contest(
        candidate=Candidate(domain="optim", slots=sources),
        sources=sources,
        problem=problem,
        seed=0,
        fused=True,
        limit=ROOM * case.family(problem.family).budget,
    )
    contest.case = contest.case.model_copy(update={"goal": goal})
    contest.run()
    return math.inf if contest.broken else float(contest.hits[-1].min(initial=math.inf))


def _goal(name: str, knobs: dict[str, float], count: int) -> tuple[str, float]:
    """Find what the tuned teacher reaches within the family's budget, the median over problems, by bisection."""
    family = case.family(name)
    reached = []
    for problem in problems(name, knobs, count):
        low, high = family.floor, 4 * family.goal
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            hit = _calls(TEACHER, problem, middle) <= family.budget
            low, high = (low, middle) if hit else (middle, high)
        reached.append(high)
    return case.key(knobs), float(f"{median(reached):.4g}")


if __name__ == "__main__":
    main()
