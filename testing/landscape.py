"""A domain without a solver: policies are numbers, cost is a landscape. For tests of searches and for their speed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from numpy.random import Generator

from slotforge.core.errors import BuildError
from slotforge.core.ids import content_id, first_normal, generator
from slotforge.core.types import Candidate, Instance, Measurement, Number, Outcome, Request, Slot, Suite, Terms

NAME = "slotforge.testing.landscape"
MISBEHAVING = {"wrong": Outcome.WRONG, "crash": Outcome.CRASH, "loop": Outcome.TIMEOUT}
NOISE = 0.2  # standard deviation of the log cost between instances that is no candidate's merit


class Landscape:
    """Three slots, each a number in [0, 1]; the default is 0.5 everywhere and the optimum is elsewhere.

    Sources "wrong", "crash", "loop" and "broken" behave as their names say.
    """

    name = NAME
    terms = Terms(least=20_000.0)
    memory_mb = 0
    optimum: Mapping[str, float] = {"alpha": 0.9, "beta": 0.2, "gamma": 0.5}

    def slots(self) -> Mapping[str, Slot]:
        """Three slots with two variants besides the default."""
        return {name: _slot(name) for name in self.optimum}

    def describe(self, families: Sequence[str]) -> str:  # noqa: ARG002
        """Tell what a policy is."""
        return "A policy is one number between 0 and 1."

    def searched(self, specs: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """All of them."""
        return tuple(self.slots())

    def start(self, slots: Sequence[str]) -> Candidate:  # noqa: ARG002
        """Begin from the default."""
        return Candidate(domain=self.name)

    def suite(self, specs: Sequence[str], *, seed: int, options: Mapping[str, Any]) -> Suite:
        """Make instances that differ in scale and noise; each spec is a family."""
        count = int(options.get("per_family", 20))
        turns = ("holdout",) if options.get("holdout_only") else ("search", "search", "select", "holdout", "holdout")
        made = [
            (
                turns[index % len(turns)],
                Instance(id=content_id([f, seed, index]), name=f"{f}{index}", family=f, path=""),
            )
            for f in specs
            for index in range(self.count(f, count))
        ]
        search, select, holdout = (tuple(i for s, i in made if s == split) for split in ("search", "select", "holdout"))
        return Suite(search=search, select=select, holdout=holdout)

    def count(self, spec: str, per_family: int) -> int:  # noqa: ARG002
        """Say how many instances a family has."""
        return per_family

    def check(self, candidate: Candidate) -> str | None:
        """Refuse what is neither a number nor one of the misbehaving sources."""
        for slot, source in _policies(candidate).items():
            if source not in ("wrong", "crash", "loop", "broken") and not _number(source):
                return f"{slot}: '{source}' is no number between 0 and 1"
        return None

    def key(self, candidate: Candidate) -> str:
        """Put the numbers together."""
        return ",".join(f"{slot}={source}" for slot, source in sorted(_policies(candidate).items()) if source != "0.5")

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Move each number by a normal step."""
        parent = request.parents[0]
        return {
            slot: f"{_clip(float(parent.slots.get(slot, '0.5')) + rng.normal(0, 0.15)):.6f}" for slot in request.slots
        }

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Each slot is one number, "slot.x"."""
        sources = dict.fromkeys(self.optimum, "0.5") | _policies(candidate)
        return {f"{slot}.x": _declared(s) for slot, s in sources.items() if _number(s)}

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:
        """Write numbers, within [0, 1]."""
        known = self.numbers(candidate)
        changed = {name: _clip(value) for name, value in values.items() if _clip(value) != known[name].value}
        return candidate.with_slots({name.removesuffix(".x"): repr(value) for name, value in changed.items()})

    def behaviour(
        self,
        candidate: Candidate,
        measurements: Sequence[Measurement],  # noqa: ARG002
        reference: Sequence[Measurement],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Give the numbers themselves."""
        policies = {**dict.fromkeys(self.optimum, "0.5"), **_policies(candidate)}
        return {slot: float(source) for slot, source in policies.items() if _number(source)}

    def build(self, candidate: Candidate) -> Mapping[str, str]:
        """Fail for the broken ones; nobody has anything else to say."""
        if "broken" in _policies(candidate).values():
            raise BuildError("line 1: this does not compile")
        return {}

    def measure(
        self, candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
    ) -> Measurement:
        """Evaluate the landscape: a factor for the distance from the optimum, and noise of instance and seed."""
        outcome, cost = Outcome.SOLVED, self.cost(candidate, instance, seed)
        for source in candidate.slots.values():
            outcome = MISBEHAVING.get(source.strip(), outcome)
        if outcome is Outcome.SOLVED and limit is not None and cost > limit:
            outcome, cost = Outcome.LIMIT, limit
        return Measurement(
            candidate=candidate.id,
            instance=instance.id,
            family=instance.family,
            seed=seed,
            outcome=outcome,
            cost=cost,
            cpu_s=cost / 1e7,
            answer="sat",
            evidence="proof" if prove else "model",
            reason="" if outcome in (Outcome.SOLVED, Outcome.LIMIT) else f"it is {outcome}",
            build="fused" if fused else "plugin",
        )

    def cost(self, candidate: Candidate, instance: Instance, seed: int) -> float:
        """Return the cost: whole numbers, so that equal policies cost the same to the bit."""
        scale = _scale(instance.id, seed)
        noise = NOISE * first_normal(instance.id, seed, candidate.id) if candidate.slots else 0.0
        return math.ceil(1e6 * math.exp(2 * self.height(candidate.slots) + scale + noise))

    def height(self, slots: Mapping[str, str]) -> float:
        """Return the squared distance from the optimum, where the landscape is 0."""
        return sum(_off(slots.get(slot, "0.5"), best) for slot, best in self.optimum.items())

    def export(self, candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
        """Write the numbers."""
        out.write_text(f"{kind} {self.key(candidate)} {dict(provenance)}")
        return out

    def environment(self) -> Mapping[str, str]:
        """Nothing matters here."""
        return {"landscape": "1"}


@cache
def _slot(name: str) -> Slot:
    return Slot(
        name=name,
        summary="a number",
        contract=f"// {name}: a number in [0, 1]",
        signature="float",
        default="0.5",
        variants={"Default": "0.5", "Low": "0.25", "High": "0.75"},
    )


@cache
def _scale(instance: str, seed: int) -> float:
    """Draw how hard an instance is."""
    return float(generator(instance, seed).normal(0, 1))


def _policies(candidate: Candidate) -> dict[str, str]:
    return {slot: source.strip() for slot, source in candidate.slots.items()}


@lru_cache(maxsize=1024)
def _number(source: str) -> bool:
    try:
        return 0 <= float(source) <= 1
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _declared(source: str) -> Number:
    return Number(value=float(source), low=0, high=1)


@lru_cache(maxsize=1024)
def _off(source: str, best: float) -> float:
    """Square how far a number is from the best; what is no number counts as 0.5."""
    return float(((float(source) if _number(source) else 0.5) - best) ** 2)


def _clip(value: float) -> float:
    return max(0.0, min(1.0, value))


domain = Landscape
