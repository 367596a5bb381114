"""Freeze what is known of each case: the best tuned specialist, its calls, the goal and the budget.

    python -m slotforge.solvers.optim.freeze [FAMILY ...] [--problems 16] [--missing] [--notes FILE]

For each case that a split of a family holds, every contender (the family's specialists and a few rules for anything) is
tuned with the trials of a verdict: first on 3 problems, where it is cut at twice the calls of the best before it; then
the best of them on 16. The specialist is the one that reaches the goal on most of these, with the lowest median of
calls. The budget is 8 times that. A contender that has missed the goal on half of the problems is given up, for it has
no median: what it would reach on the others is not known, and not counted. Where no optimum is known, the goal comes
first: the median over problems of what AdamW, tuned with as many trials, reaches within the family's budget. Goals,
budgets and calls are kept in `targets.json`, each case as soon as it is done; cases that are not asked for stay as they
are. A case of a network takes an hour: with `--notes` what each contender came to on each problem is kept as well, and
is not measured again after an interruption, as long as nothing of the evaluator has changed.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from slotforge.core import registry
from slotforge.core.ids import content_id
from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.domain import digest
from slotforge.solvers.optim.instances import Problem
from slotforge.solvers.optim.measure import Contest
from slotforge.solvers.optim.problems._family import Family

PROBLEMS = 16
HEATS = 3  # problems of the first round
FINALISTS = 3  # contenders of the second, at most
NEAR = 2.0  # a contender of the second round needs at most so many times the calls of the best
ANYONE = ("sgd", "heavy_ball", "adam")
TEACHER = "adamw"
UNREACHABLE = 1e-9  # above the floor: with this goal a run goes on to its budget

Calls = dict[str, list[float]]  # by rule, one for each problem, infinite where the goal was missed


def main(arguments: Sequence[str] | None = None) -> None:
    """Freeze the cases of some families, or of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", default=list(registry.names(case.PROBLEMS)))
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--missing", action="store_true", help="only cases of which nothing is kept")
    parser.add_argument("--notes", type=Path, help="file of what was measured, to go on from")
    asked = parser.parse_args(arguments)
    known = kept() if asked.missing else {}
    jobs = [
        (name, knobs, asked.problems)
        for name in asked.families
        for knobs in cases(case.family(name))
        if case.key(knobs) not in known.get(name, {})
    ]
    with multiprocessing.get_context("spawn").Pool(asked.workers, note, (asked.notes,)) as pool:
        for name, key, facts in pool.imap_unordered(_freeze, jobs):
            keep(name, key, facts)
            print(f"{name}:{key}: {facts['specialists'][0]}, {facts['calls']} calls", file=sys.stderr, flush=True)


def cases(family: Family) -> Iterator[dict[str, float]]:
    """List the settings of knobs that some split holds, each once."""
    settings = [knobs for split in family.splits.values() for knobs in split]
    known = {case.key({**family.knobs, **knobs}): {**family.knobs, **knobs} for knobs in settings}
    yield from known.values()


def contenders(family: Family) -> list[str]:
    """Name the rules that compete for a family."""
    return list(dict.fromkeys((*family.specialists, *(ANYONE if family.role == "step" else ()))))


def kept() -> dict[str, dict[str, Any]]:
    """Return what the data file keeps of each case, by family; nothing where there is no file."""
    if not case.TARGETS.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(case.TARGETS.read_text(encoding="utf-8"))["cases"]
    return found


def keep(name: str, key: str, facts: dict[str, Any]) -> None:
    """Write a case into the data file."""
    known = kept()
    known[name] = {**known.get(name, {}), key: facts}
    told = {"cases": dict(sorted(known.items())), "made by": "python -m slotforge.solvers.optim.freeze"}
    case.TARGETS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _freeze(job: tuple[str, dict[str, float], int]) -> tuple[str, str, dict[str, Any]]:
    """Find what is to be kept of a case."""
    name, knobs, count = job
    family, drawn = case.family(name), problems(name, knobs, count)
    goal = _goal(drawn, family) if family.learned else family.goal

    def compete(ref: str, problems: Sequence[Problem], limit: float) -> list[float]:
        return until_hopeless((_calls(ref, one, goal, limit) for one in problems), len(problems))

    best, chosen = heats(contenders(family), family.budget, lambda ref, limit: compete(ref, drawn[:HEATS], limit))
    limit = min(2.0 * family.budget, case.PATIENCE * best)
    return name, case.key(knobs), _facts(family, goal, {ref: compete(ref, drawn, limit) for ref in chosen})


def until_hopeless(calls: Iterable[float], count: int) -> list[float]:
    """Take the calls on so many problems until half of these are missed; the rest then counts as missed."""
    found: list[float] = []
    for one in calls:
        found.append(one)
        if 2 * sum(map(math.isinf, found)) >= count:
            break
    return found + [math.inf] * (count - len(found))


def heats(
    rules: Sequence[str], budget: float, compete: Callable[[str, float], Sequence[float]]
) -> tuple[float, list[str]]:
    """Return the best median of calls, and the rules that come near to it, best first; all rules where none is finite.

    Args:
        budget: of calls; later rules are cut at `NEAR` times the best median so far.
        compete: the calls of a rule to the goal, one for each problem, infinite where it is cut.
    """
    best, medians = math.inf, {}
    for ref in rules:
        medians[ref] = median(compete(ref, min(budget, NEAR * best)))
        best = min(best, medians[ref])
    order = sorted((ref for ref in rules if medians[ref] <= NEAR * best), key=lambda ref: medians[ref])
    return best, order[:FINALISTS]


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


def problems(name: str, knobs: dict[str, float], count: int) -> list[Problem]:
    """Draw the problems of a case, which no search draws."""
    seeds = [int(content_id(["freeze", name, knobs, place], length=12), 16) for place in range(count)]
    return [Problem(family=name, knobs=knobs, seed=seed) for seed in seeds]


class Notes:
    """What contests came to, by all that decides it, in a file to which several processes append lines."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._known: dict[str, tuple[float, float]] = {}

    @cached_property
    def _evaluator(self) -> str:
        return digest(targets=False)

    def open(self, file: Path | None) -> None:
        """Read what there is; without a file nothing is kept."""
        self._file = file
        for line in file.read_text(encoding="utf-8").splitlines() if file and file.exists() else ():
            with suppress(ValueError, KeyError):  # a line that was cut off
                told = json.loads(line)
                self._known[told["contest"]] = float(told["calls"]), float(told["least"])

    def of(self, *contest: Any, measure: Callable[[], Contest]) -> tuple[float, float]:
        """Return the calls to the goal of a contest, infinite where it was missed, and the least metric it reached.

        It is measured where that is not known; one that broke down may do better the next time, and is not kept.
        """
        key = content_id([self._evaluator, *contest])
        if key in self._known:
            return self._known[key]
        made = measure()
        if made.broken:
            return math.inf, made.least
        self._known[key] = float(made.calls[-1]), made.least
        if self._file:
            calls, least = map(str, self._known[key])
            with self._file.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps({"contest": key, "calls": calls, "least": least}) + "\n")
        return self._known[key]


_notes = Notes()


def note(file: Path | None) -> None:
    """Keep what this process measures in a file from now on."""
    _notes.open(file)


def _calls(ref: str, problem: Problem, goal: float, limit: float) -> float:
    return _came_to(ref, problem, goal, limit)[0]


def _came_to(ref: str, problem: Problem, goal: float, limit: float) -> tuple[float, float]:
    """Return the calls to the goal, infinite where it was missed, and the least metric that was reached."""
    sources = builtin.contender(ref)
    about = (sources, problem.family, problem.knobs, problem.seed, goal, limit)
    return _notes.of(*about, measure=lambda: _contest(sources, problem, goal, limit))


def _contest(sources: Mapping[str, str], problem: Problem, goal: float, limit: float) -> Contest:
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


def _goal(drawn: Sequence[Problem], family: Family) -> float:
    """Find what the tuned teacher reaches within the family's budget, the median over problems."""
    reached = [_came_to(TEACHER, problem, family.floor + UNREACHABLE, family.budget)[1] for problem in drawn]
    return float(f"{median(reached):.4g}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it takes its workers with it
    main()
