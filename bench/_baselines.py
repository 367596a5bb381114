"""Oracle calls of built-in rules on the families that they are for: frozen figures, and live ones for the others."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median_low
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.core.types import Candidate
from slotforge.solvers.optim import builtin, case

if TYPE_CHECKING:
    from slotforge.solvers.optim.problems._family import Family

ROOT = "schedule=inverse_sqrt,"
PLACES: Mapping[str, tuple[str, ...]] = {
    "logistic": ("adahessian",),
    "stochastic_logistic": ("coin_betting",),
    "least_squares": ("optex", "transform=momentum,step=sgd", "restart=gradient_restart,step=sgd",
                      "precondition=diagonal,step=sgd"),
    "matrix_sensing": ("precondition=gram,step=sgd", "precondition=gram_damped,step=sgd"),
    "completion": ("schedule=geometric_decay,transform=normalise,step=sgd",),
    "decentralised": ("dsgd", "onebit_adam", "distributed_lion"),
    "node_sampling": tuple(f"sampling={name},step=gradient_tracking" for name in
                           ("uniform", "square_root", "proportional", "mixed")),
    "heavy_tail": (ROOT + "step=normalised_momentum", ROOT + "transform=clip,step=sgd",
                   ROOT + "transform=clip_elementwise,step=sgd", ROOT + "transform=normalise,step=sgd",
                   ROOT + "transform=sign,step=sgd", "restart=average,step=signsgd"),
    "bilinear": ("eag", "halpern_vr", "optimistic_competitive_gradient", "transform=extrapolate,step=sgd",
                 "transform=optimistic,step=sgd"),
    "policy": ("softmax_policy_gradient", "hadamard_policy", "schedule=geometric_growth,step=policy_mirror_descent"),
    "policy:oracle=1": ("precondition=softmax_fisher,step=sgd",),
    "td_policy": ("npg_hm",),
    "planted": ("selection=plus", "selection=lifespan", "selection=threshold"),
    "mlp": (
        "adamw", "lion", "cautious_adamw", "cautious_lion", "grams", "exadam", "adafisher", "mkor", "frugal", "rmsprop",
        "transform=centralise,step=adam", "precondition=orthogonalise,transform=momentum,step=sgd",
        "schedule=cosine,step=adam", "schedule=polynomial,step=adam", "schedule=warmup,step=adam",
        "restart=lookahead,step=adam",
    ),
}  # fmt: skip
"""Rules that no family names as a specialist, and where they are measured live; what takes longest comes last."""


@dataclass(kw_only=True)
class Row:
    """A rule on a case.

    calls: to the goal, one for each problem, or the median of frozen ones; infinite where it was missed.
    """

    spec: str
    rule: str
    calls: float
    reached: int
    problems: int
    frozen: bool
    fault: str = ""


def frozen() -> Iterator[Row]:
    """Read the frozen contests, the best rule of each case first."""
    if not case.TARGETS.exists():
        return
    for name, cases in json.loads(case.TARGETS.read_text(encoding="utf-8"))["cases"].items():
        for key, told in cases.items():
            facts = case.Frozen.model_validate(told)
            spec = f"{name}:{key.replace(',', ':')}"
            for rule, reached in facts.reached.items():
                calls = facts.medians.get(rule, math.inf)
                yield Row(spec=spec, rule=rule, calls=calls, reached=reached, problems=facts.problems, frozen=True)


@dataclass(kw_only=True)
class Live:
    """Contests that are held now, as for a verdict: 48 trials.

    cpu_s: after so many CPU seconds no further contest begins.
    left: what was not measured for that reason.
    """

    problems: int
    cpu_s: float
    spent: float = 0.0
    left: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Measure rules that have no frozen figure, on the first case of the search split of their family."""
        for spec, rules in self._asked().items():
            family, knobs = case.parse(spec)
            knobs = {**family.knobs, **family.splits["search"][0], **knobs}
            for rule in rules:
                if self.spent >= self.cpu_s:
                    self.left.append(f"{rule} on {family.name}")
                else:
                    yield self._row(family, knobs, rule)

    def _asked(self) -> dict[str, tuple[str, ...]]:
        known = {row.spec.partition(":")[0] for row in frozen()}
        return {
            spec: tuple(dict.fromkeys((*(() if family.name in known else family.specialists), *rules)))
            for spec, rules in PLACES.items()
            for family in (case.parse(spec)[0],)
        }

    def _row(self, family: Family, knobs: dict[str, float], rule: str) -> Row:
        from slotforge.solvers.optim.freeze import problems
        from slotforge.solvers.optim.measure import Contest

        sources, calls, fault = builtin.contender(rule), [], ""
        candidate = Candidate(domain="optim", slots=sources)
        for problem in problems(family.name, knobs, self.problems):
            contest = Contest(
                candidate=candidate, sources=sources, problem=problem, seed=0, fused=True, limit=2.0 * family.budget
            )
            try:
                contest.run()
            except BuildError as error:
                fault = str(error)
                break
            fault = contest.reason
            self.spent += contest.cpu_s
            calls.append(float(contest.calls[-1]) if contest.reached else math.inf)
        return Row(
            spec=f"{family.name}:{case.key(knobs).replace(',', ':')}",
            rule=rule,
            calls=median_low(calls) if calls else math.inf,
            reached=sum(map(math.isfinite, calls)),
            problems=len(calls),
            frozen=False,
            fault=fault,
        )
