"""Measure a candidate on a problem: tune its numbers with equal trials, and count oracle calls to the target.

In a search the cost is the geometric mean of the calls to eight targets between start and goal, so that a rule that
gets half of the way costs less than one that gets nowhere; a target that is missed counts twice the budget. For a
verdict it is the number of calls to the goal alone, with more trials, more and other seeds, and a check by the NumPy
reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slotforge.core.errors import BuildError
from slotforge.core.ids import content_id
from slotforge.core.types import Candidate, Instance, Measurement, Outcome
from slotforge.solvers.optim import builtin, case
from slotforge.solvers.optim.instances import Problem, read
from slotforge.solvers.optim.problems._family import Family
from slotforge.solvers.optim.runs import TARGETS, across_seeds
from slotforge.solvers.optim.serve.workers import Reply, workers
from slotforge.solvers.optim.tune import ALL, FIRST, Numbers, anytime, tune

CPU_S = 120.0  # of one question to the process of a candidate
WALL_S = 20 * CPU_S
MEMORY_MB = 8192
ALIKE = 1.25  # so many times the calls of the JAX run the reference may need
PRICES = ("calls_per_step", "rounds_per_step", "bits_per_step")
TIMES = ("compile_s", "run_s")
OUTCOMES = {"crash": Outcome.CRASH, "timeout": Outcome.TIMEOUT, "memory": Outcome.TOO_LARGE}


def run(
    candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
) -> Measurement:
    """Measure on one problem.

    Args:
        candidate: without slots it stands for the best tuned specialist of the family.
        limit: of calls in a verdict; None is the case's budget.
        prove: let the reference confirm the best trial.
        fused: measure as for a verdict.

    Raises:
        BuildError: a rule does not run on this family; the message names the line.
    """
    problem = read(instance)
    contests = []
    for sources in _contenders(candidate, problem):
        contest = Contest(candidate=candidate, sources=sources, problem=problem, seed=seed, fused=fused, limit=limit)
        contest.run()
        if fused:
            contest.run_untuned()
        if prove and not contest.broken:
            contest.verify()
        contests.append(contest)
    best = min(contests, key=lambda contest: (contest.broken is not None, contest.cost))
    spent = sum(contest.cpu_s for contest in contests)
    return Measurement(
        candidate=candidate.id,
        instance=instance.id,
        family=instance.family,
        seed=seed,
        outcome=best.outcome,
        cost=best.cost,
        cpu_s=spent,
        answer="reached" if best.reached else "missed",
        evidence=best.evidence,
        reason=best.reason,
        sandbox_level=best.level,
        build="verdict" if fused else "search",
        stats=best.stats(),
    )


def _contenders(candidate: Candidate, problem: Problem) -> Sequence[Mapping[str, str]]:
    if candidate.slots:
        return [candidate.slots]
    known = case.frozen(case.family(problem.family), problem.knobs)
    return [builtin.contender(ref) for ref in known.specialists[: 1 if known.calls else None]]


@dataclass(kw_only=True)
class Contest:
    """The trials of one set of rules on one problem.

    hits: calls to each target by trial, over the seeds, shape (targets, trials).
    fresh: calls to each target of the best trial, with seeds that nothing was tuned on; None where runs do not differ.
    ends: calls to the goal by seed, for each trial.
    least: the least metric that any trial reached.
    progress: how far that is, in targets.
    untuned: calls to the goal with the defaults, where the best trial ended before they got there; None if nobody has
        looked.
    """

    candidate: Candidate
    sources: Mapping[str, str]
    problem: Problem
    seed: int
    fused: bool
    limit: float | None
    trials: list[Numbers] = field(default_factory=list)
    fresh: np.ndarray | None = None
    ends: list[np.ndarray] = field(default_factory=list)
    least: float = math.inf
    progress: float = 0.0
    untuned: float | None = None
    hits: np.ndarray = field(default_factory=lambda: np.empty((TARGETS, 0)))
    facts: dict[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0
    level: int = -1
    broken: Outcome | None = None
    reason: str = ""
    evidence: str = ""

    def __post_init__(self) -> None:
        self.family: Family = case.family(self.problem.family)
        self.case = case.frozen(self.family, self.problem.knobs)
        self.budget = self.limit if self.fused and self.limit else self.case.budget
        self.count = self.family.runs[self.fused] if self.family.random else 1
        self.seeds = self._drawn("verdict" if self.fused else "search")

    def run(self) -> None:
        """Spend the trials; for a verdict, the best one then runs with seeds that nothing was tuned on."""
        tune(
            builtin.numbers(self.family, self.sources),
            ALL if self.fused else FIRST,
            FIRST,
            self.problem.seed,
            self._measure,
        )
        if self.fused and self.family.random and self.reached:
            self._again()

    def run_untuned(self) -> None:
        """Run the defaults on their own, where others ended first: what a rule needs that nobody tunes."""
        if self.broken or np.isfinite(self.hits[-1, 0]) or not np.isfinite(self.hits[-1]).any():
            return
        seeds = self._drawn("verdict")
        told = self._judged(self._ask("run", self.trials[:1], seeds, self.budget), (TARGETS, 1, len(seeds)))
        if not self.broken:
            self.untuned = float(across_seeds(told, self.family.quantile)[-1, 0])
        elif self.broken is not Outcome.WRONG:  # what they come to is not known, and the verdict stands
            self.broken, self.reason = None, ""

    def _again(self) -> None:
        """Run the best trial afresh: the least of many is lucky with its seeds."""
        self.seeds = self._drawn("fresh")
        trial = self.best
        reply = self._ask("run", [self.trials[trial]], self.seeds, self.budget)
        told = self._judged(reply, (TARGETS, 1, len(self.seeds)))
        if not self.broken:
            self.fresh = across_seeds(told, self.family.quantile)[:, 0]
            self.ends[trial] = told[-1, 0]

    def _drawn(self, purpose: str) -> list[int]:
        name = [self.problem.seed, self.seed, purpose]
        return [int(content_id([*name, place], length=12), 16) for place in range(self.count)]

    @property
    def best(self) -> int:
        """The trial with the fewest calls to the goal, where it was tuned."""
        return int(np.argmin(self.hits[-1]))

    @property
    def calls(self) -> np.ndarray:
        """Calls to each target: of the best trial on fresh seeds where there are any, else the least over trials."""
        return self.hits.min(axis=1, initial=np.inf) if self.fresh is None else self.fresh

    def verify(self) -> None:
        """Let the reference run the best trial; what it confirms has evidence."""
        if not self.reached:
            return
        trial, calls = self.best, float(self.calls[-1])
        seed = self.seeds[int(np.argmax(self.ends[trial] == calls))]  # the one that decided
        reply = self._ask("verify", [self.trials[trial]], [seed], ALIKE * calls + self.family.stride)
        if reply.outcome == "answered" and reply.answer["calls"] is not None:
            self.evidence = "model"

    @property
    def reached(self) -> bool:
        """Whether the goal was reached in some trial."""
        return not self.broken and bool(np.isfinite(self.calls[-1]))

    @property
    def outcome(self) -> Outcome:
        """In a search every run that ends gives an answer, however good; a verdict asks for the goal."""
        if self.broken:
            return self.broken
        return Outcome.SOLVED if self.reached or not self.fused else Outcome.LIMIT

    @property
    def cost(self) -> float:
        """Oracle calls: to the goal for a verdict, to all targets in a search."""
        if self.broken:
            return math.ceil(self.budget)
        best = self.calls
        if self.fused:
            return max(1.0, float(min(best[-1], self.budget)))
        return anytime(best, self.case.budget, self.progress)

    def stats(self) -> dict[str, float]:
        """What else is known: shares of targets, calls to each, and what equal but fewer trials would have given."""
        if self.broken or not self.trials:
            return {}
        best = self.calls
        told = {"reached": float(np.isfinite(best).mean()), "trials": float(len(self.trials)), **self.facts}
        told |= {f"target_{k + 1}": float(calls) for k, calls in enumerate(best) if math.isfinite(calls)}
        few = {1: "default", FIRST: f"{FIRST}_trials"}
        for count, name in few.items():
            least = float(self.hits[-1, :count].min())
            if count == 1 and self.untuned is not None:
                least = self.untuned
                told["missed_default"] = float(math.isinf(least))
            if math.isfinite(least):
                told[f"calls_{name}"] = least
        if self.reached:
            chosen = self.trials[self.best]
            told |= {f"best {name}": value for name, value in chosen.items()}
        return told

    def _measure(self, hps: Sequence[Numbers]) -> list[float]:
        """Run a lot of trials, and return the cost of each."""
        if self.broken:
            return [math.inf] * len(hps)
        reached = float(self.hits[-1].min(initial=math.inf))
        reply = self._ask("run", hps, self.seeds, min(self.budget, reached))
        told = self._judged(reply, (TARGETS, len(hps), len(self.seeds)))
        if self.broken:
            return [math.inf] * len(hps)
        found = across_seeds(told, self.family.quantile)
        self.progress = max([self.progress, *reply.answer["progress"]])
        self.least = min([self.least, *(value for value in reply.answer["least"] if value is not None)])
        self.trials += hps
        self.ends += list(told[-1])
        self.hits = np.concatenate([self.hits, found], axis=1)
        return [
            math.log(anytime(found[:, trial], self.budget, reply.answer["progress"][trial]))
            for trial in range(len(hps))
        ]

    def _judged(self, reply: Reply, shape: tuple[int, ...]) -> np.ndarray:
        """Return the calls by target, trial and seed that a reply tells; what is no answer breaks the contest."""
        if reply.outcome == "refused":
            raise BuildError(reply.reason)
        if reply.outcome != "answered":
            self.broken, self.reason = OUTCOMES[reply.outcome], reply.reason
            return np.full(shape, np.inf)
        try:
            told = np.array(reply.answer["hits"], dtype=float).reshape(shape)
            self.facts |= {name: float(reply.answer[name]) for name in PRICES}
            for name in TIMES:
                self.facts[name] = self.facts.get(name, 0.0) + float(reply.answer[name])
            disagrees = str(reply.answer["disagrees"])
        except (KeyError, TypeError, ValueError):
            self.broken, self.reason = Outcome.CRASH, "what it said is no answer"
            return np.full(shape, np.inf)
        if disagrees:
            self.broken, self.reason = Outcome.WRONG, disagrees
        return np.where(told > 0, told, np.inf)

    def _ask(self, what: str, hps: Sequence[Numbers], seeds: Sequence[int], budget: float) -> Reply:
        ask: dict[str, Any] = {
            "what": what,
            "slots": dict(self.sources),
            "family": self.family.name,
            "knobs": self.problem.knobs,
            "problem": self.problem.seed,
            "hps": list(hps),
            "seeds": list(seeds),
            "budget": budget,
            "horizon": 2 ** math.ceil(math.log2(max(2.0, self.case.budget))),  # tells no case from another
            "goal": self.case.goal,
            "quick": not self.fused,
        }
        who = content_id(dict(self.sources))
        reply = workers().ask(who, ask, wall_s=WALL_S, cpu_s=CPU_S, memory_mb=MEMORY_MB)
        self.cpu_s += reply.cpu_s
        self.level = reply.sandbox_level
        return reply
